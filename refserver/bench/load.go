package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// result of one measurement.
type result struct {
	rate     float64 // per second
	p50, p99 time.Duration
}

// load calls do from so many clients for so long. n is different in each call.
func load(ctx context.Context, clients int, each time.Duration, do func(ctx context.Context, n int) error) (result, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	n := 0
	warm := time.Now().Add(each / 5)
	end := warm.Add(each)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			var mine []time.Duration
			for {
				mu.Lock()
				n++
				k, stop := n, failed != nil
				mu.Unlock()
				start := time.Now()
				if stop || start.After(end) || ctx.Err() != nil {
					break
				}
				if err := do(ctx, k); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					break
				}
				if start.After(warm) {
					mine = append(mine, time.Since(start))
				}
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if failed != nil || ctx.Err() != nil || len(all) == 0 {
		return result{}, fmt.Errorf("after %d calls: %w", len(all), cmp(failed, ctx.Err()))
	}
	slices.Sort(all)
	return result{rate: float64(len(all)) / each.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

func cmp(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("nothing was measured")
}

// caller makes requests over kept connections.
type caller struct {
	http *http.Client
	base string
	auth func(*http.Request)
}

func newCaller(base string, auth func(*http.Request)) *caller {
	return &caller{base: base, auth: auth, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}}}
}

func (c *caller) do(ctx context.Context, method, path string, body []byte, want ...int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.auth != nil {
		c.auth(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(want, resp.StatusCode) {
		return nil, fmt.Errorf("%s %s: HTTP %d: %.300s", method, path, resp.StatusCode, b)
	}
	return b, nil
}
