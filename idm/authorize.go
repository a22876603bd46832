package idm

import (
	"context"
	"log/slog"
	"slices"

	"github.com/ensemble-platform/ensemble/authz"
)

// Authorize judges by the rules that decide.go documents. Whenever the decision is Authenticated it names the Principal, allowed or not.
func (e *Engine) Authorize(ctx context.Context, req authz.Request) (authz.Decision, error) {
	now := e.now()
	s, why, ok, err := e.subjectOf(ctx, now, req.Credential)
	if err != nil {
		return authz.Decision{}, e.unavailable(ctx, err)
	}
	if !ok {
		return authz.Decision{Reason: why}, nil
	}
	t, err := e.targetOf(ctx, now, &s, req.Resource)
	if err != nil {
		return authz.Decision{}, e.unavailable(ctx, err)
	}
	return decide(s, req.Action, req.Resource.Type, t), nil
}

// Filter judges each of ids as Authorize does, at one moment.
func (e *Engine) Filter(ctx context.Context, req authz.Request, ids []string) ([]string, error) {
	now := e.now()
	s, _, ok, err := e.subjectOf(ctx, now, req.Credential)
	if err != nil {
		return nil, e.unavailable(ctx, err)
	}
	if !ok {
		return nil, nil
	}
	var out []string
	for _, id := range ids {
		t, err := e.targetOf(ctx, now, &s, authz.Resource{Type: req.Resource.Type, ID: id})
		if err != nil {
			return nil, e.unavailable(ctx, err)
		}
		if decide(s, req.Action, req.Resource.Type, t).Allowed {
			out = append(out, id)
		}
	}
	return slices.Clip(out), nil
}

// unavailableError has a cause for logs and errors.Is that is not shown to callers.
type unavailableError struct{ cause error }

func (e *unavailableError) Error() string   { return authz.ErrUnavailable.Error() }
func (e *unavailableError) Unwrap() []error { return []error{authz.ErrUnavailable, e.cause} }

func (e *Engine) unavailable(ctx context.Context, cause error) error {
	if ctx.Err() == nil {
		e.log.ErrorContext(ctx, "facts for a judgement can't be read", slog.Any("error", cause))
	}
	return &unavailableError{cause}
}
