package hubhttp

import (
	"errors"
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
)

var v2InstanceNulls = []string{
	"billing_type", "stopped_at", "autostop_at", "autostop_interval", "next_status", "oauth_company", "oauth_keys", "free_trial_end_at",
}

// v2Owned is an app instance with its organization.
type v2Owned struct {
	*hub.AppInstance
	organization *hub.Organization
}

func (q *v2Request) instance(i *hub.AppInstance, o *hub.Organization) *v2Object {
	durations := map[string]any{}
	for status, s := range seconds(i.Durations) {
		durations[status] = s
	}
	for _, status := range []hub.Status{hub.Provisioning, hub.Starting, hub.Stopping, hub.Terminating} {
		if durations[string(status)] == nil {
			durations[string(status)] = 30
		}
	}
	a := v2Set(v2InstanceNulls, map[string]any{
		"uid": i.ID, "name": i.Name, "status": string(i.Status), "stack": string(i.App.Stack), "app_id": i.App.Number, "app_nid": i.App.NID,
		"owner_id": o.Number, "owner_type": "Organization", "started_at": orNull(i.StartedAt), "terminated_at": orNull(i.TerminatedAt),
		"durations": durations, "soa_enabled": i.App.NotificationPath != "", "oauth_keys_valid": false, "per_user_licence": false, "under_free_trial": false,
		"http_url": i.URL, "progress": i.Progress, "step": i.Step, "errors": append([]string{}, i.Errors...), "created_at": i.CreatedAt, "updated_at": i.UpdatedAt,
	})
	return &v2Object{kind: "app_instances", number: i.Number, attributes: a, value: v2Owned{i, o}}
}

func (q *v2Request) listInstances() (*v2Answer, error) {
	ctx := q.Context()
	os, err := q.visible()
	if err != nil {
		return nil, err
	}
	if refs := q.query.take("owner_id", "owner.id"); refs != nil {
		os = named(os, refs)
	}
	if f := q.query.take("fulfilled_only"); len(f) == 1 && f[0] == "true" {
		q.query.filters = append(q.query.filters, v2Filter{name: "status", values: []string{string(hub.Running), string(hub.Stopping), string(hub.Stopped)}})
	}
	var found []*v2Object
	if refs := q.query.take("uid", "id"); refs != nil {
		// By name also those that are terminated, so that who waits for the end sees it.
		for _, ref := range refs {
			i, err := q.svc.GetAppInstance(ctx, ref)
			if errors.Is(err, hub.ErrNotFound) || errors.Is(err, authz.ErrDenied) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, o := range named(os, []string{i.OrganizationID}) {
				found = append(found, q.instance(i, o))
			}
		}
		return q.list(found)
	}
	for _, o := range os {
		is, err := q.svc.ListAppInstances(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		for _, i := range is {
			found = append(found, q.instance(i, o))
		}
	}
	return q.list(found)
}

func (q *v2Request) showInstance(status int, i *hub.AppInstance) (*v2Answer, error) {
	o, err := q.svc.GetOrganization(q.Context(), i.OrganizationID)
	if err != nil {
		return nil, err
	}
	return q.show(status, q.instance(i, o))
}

func (q *v2Request) getInstance() (*v2Answer, error) {
	i, err := q.svc.GetAppInstance(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return q.showInstance(http.StatusOK, i)
}

func (q *v2Request) provision() (*v2Answer, error) {
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	owner, err := in.reference("owner")
	if err != nil {
		return nil, err
	}
	if t, err := in.text("owner_type"); err != nil || t != "" && t != "Organization" {
		return nil, v2Invalid(hub.ErrInvalid, "owner_type", "must be Organization")
	}
	nid, err := in.text("app_nid")
	if err != nil {
		return nil, err
	}
	if nid == "" {
		return nil, v2Invalid(hub.ErrInvalid, "app_nid", "can't be blank")
	}
	i, err := q.svc.AddApp(q.Context(), owner, nid)
	if err != nil {
		return nil, err
	}
	return q.showInstance(http.StatusCreated, i)
}

func (q *v2Request) terminate() (*v2Answer, error) {
	i, err := q.svc.RemoveApp(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return q.showInstance(http.StatusOK, i)
}

func (q *v2Request) appOfInstance(o *v2Object) ([]*v2Object, error) {
	return []*v2Object{q.app(o.value.(v2Owned).App)}, nil
}

func (q *v2Request) ownerOfInstance(o *v2Object) ([]*v2Object, error) {
	return []*v2Object{q.organization(o.value.(v2Owned).organization)}, nil
}

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
