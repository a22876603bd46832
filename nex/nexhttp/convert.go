package nexhttp

import (
	"math"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/openapi/nexapi"
)

// value reads an optional member.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional leaves a member out when it is zero.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func toAPITemplate(t *nex.Template) nexapi.Template {
	out := nexapi.Template{
		Name: t.Name, Version: t.Version, Command: t.Command, Env: t.Env, HealthPath: t.HealthPath, StopGrace: t.StopGrace.Seconds(),
	}
	if out.Env == nil {
		out.Env = map[string]string{}
	}
	return out
}

func fromAPITemplate(name string, b *nexapi.TemplateBody) nex.Template {
	return nex.Template{
		Name: name, Version: value(b.Version), Command: b.Command, Env: b.Env, HealthPath: value(b.HealthPath),
		StopGrace: duration(value(b.StopGrace)),
	}
}

func toAPIApp(a *nex.App) nexapi.App {
	out := nexapi.App{
		UID: a.UID, Name: a.Name, Organization: a.Organization, Template: a.Template,
		Status: nexapi.Status(a.Status), NextStatus: optional(nexapi.Status(a.NextStatus)), URL: a.URL,
		Durations: map[string]float64{}, Errors: a.Errors, Restarts: a.Restarts, CreatedAt: a.CreatedAt,
		StartedAt: at(a.StartedAt), StoppedAt: at(a.StoppedAt), TerminatedAt: at(a.TerminatedAt),
	}
	if out.Errors == nil {
		out.Errors = []string{}
	}
	for status, d := range a.Durations {
		out.Durations[string(status)] = d.Seconds()
	}
	return out
}

func fromAPIApp(a *nexapi.App) *nex.App {
	out := &nex.App{
		UID: a.UID, Name: a.Name, Organization: a.Organization, Template: a.Template,
		Status: nex.Status(a.Status), NextStatus: nex.Status(value(a.NextStatus)), URL: a.URL, Restarts: a.Restarts, CreatedAt: a.CreatedAt.UTC(),
		StartedAt: value(a.StartedAt).UTC(), StoppedAt: value(a.StoppedAt).UTC(), TerminatedAt: value(a.TerminatedAt).UTC(),
	}
	if len(a.Errors) > 0 {
		out.Errors = a.Errors
	}
	if len(a.Durations) > 0 {
		out.Durations = make(map[nex.Status]time.Duration, len(a.Durations))
		for status, seconds := range a.Durations {
			out.Durations[nex.Status(status)] = duration(seconds)
		}
	}
	return out
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// duration reads seconds. What a Duration can't hold becomes one that no service accepts.
func duration(seconds float64) time.Duration {
	if math.IsNaN(seconds) || math.Abs(seconds) > 1e9 {
		return -1
	}
	return time.Duration(math.Round(seconds*1e6)) * time.Microsecond
}
