package nex

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// label is a DNS label.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// defaultStopGrace is Template.StopGrace when it is 0.
const defaultStopGrace = 10 * time.Second

// maxStopGrace bounds how long a program may hold up its own end.
const maxStopGrace = 10 * time.Minute

// PutTemplate creates or replaces a template. It is for operators and services.
func (e *Engine) PutTemplate(ctx context.Context, t Template) error {
	if _, err := authz.Require(ctx, e.authz, authz.ManagePlatform, authz.Platform, authz.Platform); err != nil {
		return err
	}
	if err := checkTemplate(t); err != nil {
		return err
	}
	sealed, err := e.sealer.SealJSON(templateOwner(t.Name), t.Env)
	if err != nil {
		return err
	}
	t.Env = nil
	t.StopGrace = t.StopGrace.Truncate(time.Microsecond)
	return e.store.PutTemplate(ctx, TemplateRecord{Template: t, Sealed: sealed})
}

// ListTemplates lists the templates by name. It is for operators and services.
func (e *Engine) ListTemplates(ctx context.Context) ([]*Template, error) {
	if _, err := authz.Require(ctx, e.authz, authz.ManagePlatform, authz.Platform, authz.Platform); err != nil {
		return nil, err
	}
	records, err := e.store.ListTemplates(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*Template, len(records))
	for i, r := range records {
		out[i] = &r.Template
		if out[i].Env, err = e.templateEnv(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func checkTemplate(t Template) error {
	var bad []problem.Field
	add := func(path, format string, args ...any) {
		bad = append(bad, problem.Field{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	if !label.MatchString(t.Name) {
		add("name", "must be a DNS label: lower case letters, digits and hyphens, at most 63")
	}
	if len(t.Version) > 64 || strings.ContainsRune(t.Version, 0) {
		add("version", "must have at most 64 characters")
	}
	if len(t.Command) == 0 || t.Command[0] == "" {
		add("command", "must name a program")
	}
	size := 0
	for i, arg := range t.Command {
		if size += len(arg) + 1; strings.ContainsRune(arg, 0) {
			add(fmt.Sprintf("command.%d", i), "must not hold a zero byte")
		}
	}
	if size > maxEnvBytes {
		add("command", "is larger than %d bytes", maxEnvBytes)
	}
	if t.HealthPath != "" && (!strings.HasPrefix(t.HealthPath, "/") || len(t.HealthPath) > 1024 || strings.ContainsAny(t.HealthPath, " \r\n\x00")) {
		add("health_path", "must be a path that begins with /")
	}
	if t.StopGrace < 0 || t.StopGrace > maxStopGrace {
		add("stop_grace", "must be between 0 and %s", maxStopGrace)
	}
	bad = append(bad, checkEnv(t.Env, notForTemplates)...)
	if len(bad) > 0 {
		return &ValidationError{Sentinel: ErrInvalid, Fields: bad}
	}
	return nil
}

// stopGrace is how long an app's program has between SIGTERM and SIGKILL. A template that is gone must not keep the app
// from being stopped.
func (e *Engine) stopGrace(ctx context.Context, template string) (time.Duration, error) {
	t, err := e.store.GetTemplate(ctx, template)
	if errors.Is(err, ErrNotFound) {
		return defaultStopGrace, nil
	}
	if err != nil {
		return 0, err
	}
	return or(t.StopGrace, defaultStopGrace), nil
}
