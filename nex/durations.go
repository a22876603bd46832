package nex

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// durations answers how long apps of a template stay in each status: the 90th percentile of past runs, or an estimate.
type durations struct {
	estimates map[Status]time.Duration
	mu        sync.Mutex
	known     map[string]map[Status]time.Duration // by template
}

func newDurations() *durations {
	return &durations{
		estimates: map[Status]time.Duration{
			Provisioning: 2 * time.Second, Starting: 5 * time.Second, Stopping: 5 * time.Second, Terminating: 5 * time.Second,
		},
		known: map[string]map[Status]time.Duration{},
	}
}

func (d *durations) of(ctx context.Context, s Store, template string) (map[Status]time.Duration, error) {
	d.mu.Lock()
	m := d.known[template]
	d.mu.Unlock()
	if m == nil {
		samples, err := s.Durations(ctx, template)
		if err != nil {
			return nil, err
		}
		m = maps.Clone(d.estimates)
		for status, all := range samples {
			if len(all) > 0 {
				m[status] = p90(all)
			}
		}
		d.mu.Lock()
		d.known[template] = m
		d.mu.Unlock()
	}
	return maps.Clone(m), nil
}

func (d *durations) add(ctx context.Context, s Store, template string, status Status, took time.Duration) error {
	err := s.AddDuration(ctx, template, status, took)
	d.mu.Lock()
	delete(d.known, template)
	d.mu.Unlock()
	return err
}

// p90 is the smallest value that at least nine of ten are not above.
func p90(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)*9+9)/10-1]
}
