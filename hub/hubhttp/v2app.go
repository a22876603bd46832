package hubhttp

import (
	"errors"
	"net/http"
	"slices"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/openapi/hubapi"
)

var v2AppNulls = []string{
	"website", "popup_description", "version", "known_limitations", "worldwide_usage", "terms_url", "support_url", "getting_started", "details",
	"average_rating", "rank", "running_instances_count", "api_key", "metadata_url", "pricing_text", "free_trial_duration", "free_trial_unit",
}

func (q *v2Request) app(a *hub.App) *v2Object {
	attributes := v2Set(v2AppNulls, map[string]any{
		"uid": a.ID, "nid": a.NID, "name": a.Name, "logo": a.Logo, "slug": number(a.Number) + "-" + a.NID, "description": a.Description,
		"tiny_description": a.TinyDescription, "stack": string(a.Stack), "categories": append([]string{}, a.Categories...), "subcategories": []string{},
		"tags": []string{}, "key_benefits": []string{}, "key_features": []string{}, "key_workflows": []string{}, "testimonials": []any{}, "pictures": []string{},
		"appinfo": map[string]any{
			"responsive": false, "coming_soon": false, "single_billing": false, "add_on": false, "starReady": false, "connecReady": a.NotificationPath != "",
		},
		"multi_instantiable": false, "sso_enabled": a.SSOInitPath != "", "metadata": map[string]any{}, "pricing_plans": map[string]any{}, "active": a.Active,
		"host": a.Host, "sso_init_path": a.SSOInitPath, "notification_path": a.NotificationPath, "collections": a.Collections,
		"external_ids": a.ExternalIDs, "redirect_paths": a.RedirectPaths, "created_at": a.CreatedAt, "updated_at": a.UpdatedAt,
	})
	return &v2Object{kind: "apps", number: a.Number, attributes: attributes, value: a}
}

func (q *v2Request) listApps() (*v2Answer, error) {
	q.query.take("scope") // apps that aren't active are only found by name
	ctx := q.Context()
	var apps []*hub.App
	if nids := q.query.take("nid"); nids != nil {
		for _, nid := range nids {
			a, err := q.svc.GetApp(ctx, nid)
			if errors.Is(err, hub.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if a.NID == nid {
				apps = append(apps, a)
			}
		}
	} else {
		var err error
		if apps, err = q.svc.ListApps(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(apps, func(a, b *hub.App) int { return int(a.Number - b.Number) })
	return q.list(all(apps, q.app))
}

func (q *v2Request) getApp() (*v2Answer, error) {
	a, err := q.svc.GetApp(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return q.show(http.StatusOK, q.app(a))
}

// v2AppInputs are the attributes of an app that can be written. They are called as in the hub's own API.
var v2AppInputs = []string{
	"name", "tiny_description", "description", "logo", "categories", "stack", "host", "sso_init_path", "notification_path", "collections", "external_ids",
	"redirect_paths", "active",
}

func (q *v2Request) createApp() (*v2Answer, error) {
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	nid, err := in.text("nid")
	if err != nil {
		return nil, err
	}
	_, err = q.svc.GetApp(q.Context(), nid)
	taken := err == nil
	if err != nil && !errors.Is(err, hub.ErrNotFound) {
		return nil, err
	}
	a := hubapi.NewApp{Active: true}
	if err := in.merge(v2AppInputs, &a); err != nil {
		return nil, err
	}
	if taken {
		p, err := q.svc.Caller(q.Context())
		if err != nil {
			return nil, err
		}
		if p.Type != authz.Service && p.Type != authz.User {
			return nil, authz.Decision{Authenticated: true, Principal: p, Reason: "only the platform changes the marketplace"}.Err()
		}
		return nil, v2Invalid(hub.ErrInvalid, "nid", "has already been taken")
	}
	return q.putApp(fromAPINewApp(nid, a), http.StatusCreated)
}

func (q *v2Request) updateApp() (*v2Answer, error) {
	old, err := q.svc.GetApp(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	a := toAPINewApp(*old)
	if err := in.merge(v2AppInputs, &a); err != nil {
		return nil, err
	}
	return q.putApp(fromAPINewApp(old.NID, a), http.StatusOK)
}

func (q *v2Request) putApp(a hub.App, status int) (*v2Answer, error) {
	put, key, err := q.svc.PutApp(q.Context(), a)
	if err != nil {
		return nil, err
	}
	o := q.app(put)
	if key != "" {
		o.attributes["api_key"] = key
	}
	return q.show(status, o)
}
