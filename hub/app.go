package hub

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/id"
)

const defaultRedirectPath = "/oidc/callback"

// PutApp creates or replaces a marketplace entry, and sees to it that the instances of an app that moved follow. Putting an app again whose
// first attempt failed half-way completes it.
func (e *Engine) PutApp(ctx context.Context, a App) (*App, string, error) {
	if _, err := authz.Require(ctx, e.authorizer, authz.ManagePlatform, authz.Platform, "platform"); err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	a.Host = strings.TrimRight(a.Host, "/")
	if len(a.Collections) == 0 {
		a.Collections = nil
	}
	if len(a.RedirectPaths) == 0 {
		a.RedirectPaths = []string{defaultRedirectPath}
	}
	if err := checkApp(a); err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	now := e.time()
	rec, err := e.store.PutApp(ctx, a.NID, func(r *AppRecord) error {
		next := a
		next.ID, next.Number, next.CreatedAt = r.ID, r.Number, r.CreatedAt
		if next.ID == "" {
			next.ID, next.CreatedAt = id.New("app"), now
		}
		if r.Stack != "" && r.Stack != a.Stack {
			return &ValidationError{Sentinel: ErrInvalid, Fields: []Field{{Path: "stack", Reason: "can't be changed"}}}
		}
		next.UpdatedAt = now
		r.App = next
		if r.Stack == Cube || r.SealedKey != nil {
			return nil
		}
		sealed, err := e.seal(r.ID, id.Secret("key_"))
		r.SealedKey = sealed
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	if rec.Stack == Cube {
		if err := e.follow(ctx, rec.ID, false); err != nil {
			return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
		}
		return &rec.App, "", nil
	}
	key, err := e.appKey(rec)
	if err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	if err := e.identity.PutClient(ctx, Client{ID: rec.ID, Name: rec.Name, Key: key, RedirectURIs: redirectURIs(rec.Host, &rec.App)}); err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	if err := e.follow(ctx, rec.ID, false); err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	if rec.Published {
		return &rec.App, "", nil
	}
	if _, err := e.store.PutApp(ctx, a.NID, func(r *AppRecord) error { r.Published = true; return nil }); err != nil {
		return nil, "", fmt.Errorf("app %s: %w", a.NID, err)
	}
	return &rec.App, key, nil
}

func checkApp(a App) error {
	var r refused
	r.check(isLabel(a.NID) && !strings.HasPrefix(a.NID, "app-"), "nid", "must be a DNS label that begins with a letter, and not with app-")
	r.check(a.Name != "" && isText(a.Name, 255), "name", "must be text of 1 to 255 bytes")
	r.check(isText(a.TinyDescription, 1000), "tiny_description", "must be text of at most 1000 bytes")
	r.check(isText(a.Description, 100_000), "description", "must be text of at most 100000 bytes")
	r.check(isText(a.Logo, 256<<10), "logo", "must be a URL of at most 256 KiB")
	r.check(len(a.Categories) <= 50 && areNames(a.Categories), "categories", "must be at most 50 names")
	r.check(len(a.Collections) <= 200 && areNames(a.Collections), "collections", "must be at most 200 names")
	r.check(len(a.RedirectPaths) <= 20, "redirect_paths", "must be at most 20")
	r.check(slices.Contains([]Stack{Cube, Cloud, Connector}, a.Stack), "stack", "must be cube, cloud or connector")
	switch a.Stack {
	case Cube:
		r.check(a.Host == "", "host", "must be empty: a hosted app gets its host from the platform")
	case Cloud:
		r.check(isOrigin(a.Host), "host", "must be an http or https URL without query")
	case Connector:
		r.check(a.Host == "" || isOrigin(a.Host), "host", "must be an http or https URL without query")
		r.check(a.SSOInitPath == "", "sso_init_path", "must be empty: a connector has no sign-in")
		r.check(a.Host != "" || a.NotificationPath == "", "notification_path", "needs a host")
	}
	r.check(isPath(a.SSOInitPath), "sso_init_path", "must begin with /")
	r.check(isPath(a.NotificationPath), "notification_path", "must begin with /")
	for _, p := range a.RedirectPaths {
		r.check(p != "" && isPath(p), "redirect_paths", "must begin with /")
	}
	return r.err()
}

func areNames(s []string) bool {
	return !slices.ContainsFunc(s, func(n string) bool { return n == "" || !isText(n, 255) })
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && utf8.ValidString(s) && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil && len(s) <= 2000
}

func isPath(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && utf8.ValidString(s) && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && u.Fragment == "" && len(s) <= 2000
}

func redirectURIs(host string, a *App) []string {
	if host == "" {
		return nil
	}
	paths := a.RedirectPaths
	if len(paths) == 0 {
		paths = []string{defaultRedirectPath}
	}
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = strings.TrimRight(host, "/") + p
	}
	return out
}

func (e *Engine) appKey(r *AppRecord) (key string, err error) {
	err = e.unseal(r.ID, r.SealedKey, &key)
	return key, err
}

// ListApps lists the marketplace.
func (e *Engine) ListApps(ctx context.Context) ([]*App, error) {
	if _, err := e.caller(ctx); err != nil {
		return nil, fmt.Errorf("apps: %w", err)
	}
	rs, err := e.store.ListApps(ctx)
	if err != nil {
		return nil, fmt.Errorf("apps: %w", err)
	}
	out := make([]*App, 0, len(rs))
	for _, r := range rs {
		if r.Active {
			out = append(out, &r.App)
		}
	}
	return out, nil
}

// GetApp returns an app, active or not.
func (e *Engine) GetApp(ctx context.Context, ref string) (*App, error) {
	if _, err := e.caller(ctx); err != nil {
		return nil, fmt.Errorf("app %s: %w", ref, err)
	}
	r, err := e.store.GetApp(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", ref, err)
	}
	return &r.App, nil
}
