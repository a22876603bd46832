package impac

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/authz"
)

// Bounds of what is stored.
const (
	maxDashboards    = 200
	maxWidgets       = 100
	maxMetadataBytes = 64 << 10
)

// caller is who makes the call. It needs no more than a valid credential.
func (e *Engine) caller(ctx context.Context) (authz.Principal, error) {
	d, err := e.authorizer.Authorize(ctx, authz.Request{
		Credential: authz.CredentialFrom(ctx), Action: authz.Read, Resource: authz.Resource{Type: authz.Dashboard},
	})
	if err != nil {
		return authz.Principal{}, err
	}
	// No organization is named, so a denial is expected; it still says who was denied.
	if !d.Authenticated && !d.Allowed {
		return authz.Principal{}, d.Err()
	}
	return d.Principal, nil
}

// requireDashboard asks for an action on dashboards of every one of the organizations.
func (e *Engine) requireDashboard(ctx context.Context, action authz.Action, organizations []string) error {
	for _, org := range organizations {
		if _, err := authz.Require(ctx, e.authorizer, action, authz.Dashboard, org); err != nil {
			return fmt.Errorf("%s dashboards of %s: %w", action, org, err)
		}
	}
	return nil
}

// ownDashboard returns a dashboard of the caller's after asking for the action.
func (e *Engine) ownDashboard(ctx context.Context, action authz.Action, id int64) (*Dashboard, error) {
	who, err := e.caller(ctx)
	if err != nil {
		return nil, err
	}
	d, err := e.store.GetDashboard(ctx, id)
	if err != nil {
		return nil, err
	}
	if d.OwnerID != who.ID {
		return nil, fmt.Errorf("dashboard %d: %w", id, ErrNotFound)
	}
	return d, e.requireDashboard(ctx, action, d.OrganizationIDs)
}

// ListDashboards lists the caller's own dashboards, but for those that cover an organization that the caller may not read.
func (e *Engine) ListDashboards(ctx context.Context) ([]*Dashboard, error) {
	who, err := e.caller(ctx)
	if err != nil {
		return nil, err
	}
	all, err := e.store.ListDashboards(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, d := range all {
		for _, org := range d.OrganizationIDs {
			named[org] = true
		}
	}
	if len(named) == 0 {
		return nil, nil
	}
	readable, err := e.authorizer.Filter(ctx, authz.Request{
		Credential: authz.CredentialFrom(ctx), Action: authz.Read, Resource: authz.Resource{Type: authz.Dashboard},
	}, slices.Sorted(maps.Keys(named)))
	if err != nil {
		return nil, err
	}
	var out []*Dashboard
	for _, d := range all {
		if !slices.ContainsFunc(d.OrganizationIDs, func(org string) bool { return !slices.Contains(readable, org) }) {
			out = append(out, arranged(d))
		}
	}
	return out, nil
}

// CreateDashboard adds a dashboard of the caller's. Name and OrganizationIDs are needed; Currency is USD when it is empty. What else d holds is
// not used, but for Metadata.
func (e *Engine) CreateDashboard(ctx context.Context, d Dashboard) (*Dashboard, error) {
	if err := checkOrganizations("organization_ids", d.OrganizationIDs); err != nil {
		return nil, err
	}
	who, err := e.caller(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.requireDashboard(ctx, authz.Write, d.OrganizationIDs); err != nil {
		return nil, err
	}
	d.Currency = cmp.Or(strings.ToUpper(d.Currency), "USD")
	if err := checkDashboard(&d); err != nil {
		return nil, err
	}
	have, err := e.store.ListDashboards(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	if len(have) >= maxDashboards {
		return nil, invalid("", "there are %d dashboards already, which is the most", len(have))
	}
	now := e.now()
	created, err := e.store.CreateDashboard(ctx, &Dashboard{
		Name: d.Name, OwnerID: who.ID, OrganizationIDs: unique(d.OrganizationIDs), Currency: d.Currency,
		Metadata: d.Metadata, CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return nil, err
	}
	return arranged(created), nil
}

// UpdateDashboard changes a dashboard of the caller's. Metadata merges into what is stored, by top-level key; a null
// removes the key. Unknown ids in WidgetsOrder are ignored.
func (e *Engine) UpdateDashboard(ctx context.Context, id int64, p DashboardPatch) (*Dashboard, error) {
	if _, err := e.ownDashboard(ctx, authz.Update, id); err != nil {
		return nil, err
	}
	d, err := e.store.UpdateDashboard(ctx, id, func(d *Dashboard) error {
		if p.Name != nil {
			d.Name = *p.Name
		}
		if p.Currency != nil {
			d.Currency = strings.ToUpper(*p.Currency)
		}
		if p.Metadata != nil {
			d.Metadata = merged(d.Metadata, p.Metadata)
		}
		if len(p.WidgetsOrder) > 0 {
			d.WidgetsOrder = p.WidgetsOrder
		}
		// Ids of widgets that are no more leave the order with any change.
		arranged(d)
		d.UpdatedAt = e.now()
		return checkDashboard(d)
	})
	if err != nil {
		return nil, err
	}
	return arranged(d), nil
}

// DeleteDashboard drops a dashboard of the caller's and its widgets.
func (e *Engine) DeleteDashboard(ctx context.Context, id int64) error {
	if _, err := e.ownDashboard(ctx, authz.Destroy, id); err != nil {
		return err
	}
	return e.store.DeleteDashboard(ctx, id)
}

// CreateWidget adds a widget to a dashboard of the caller's. The endpoint must be one that there is a template for; name and width are the template's
// when they are empty, and metadata's organization_ids those of the dashboard.
func (e *Engine) CreateWidget(ctx context.Context, dashboardID int64, w Widget) (*Widget, error) {
	d, err := e.ownDashboard(ctx, authz.Update, dashboardID)
	if err != nil {
		return nil, err
	}
	t, ok := templateFor(w.Endpoint, w.Metadata)
	if !ok {
		return nil, invalid("endpoint", "must be the endpoint of a widget, such as %s", templates()[0].Endpoint)
	}
	n := &Widget{DashboardID: dashboardID, Endpoint: w.Endpoint, Name: cmp.Or(w.Name, t.Name), Width: w.Width, Metadata: merged(nil, w.Metadata)}
	if n.Width == 0 {
		n.Width = cmp.Or(metadataWidth(n.Metadata), t.Width)
	}
	if n.Metadata["organization_ids"] == nil {
		ids := make([]any, len(d.OrganizationIDs))
		for i, id := range d.OrganizationIDs {
			ids[i] = id
		}
		n.Metadata["organization_ids"] = ids
	}
	if err := e.requireNamed(ctx, n.Metadata); err != nil {
		return nil, err
	}
	if err := checkWidget(n); err != nil {
		return nil, err
	}
	if len(d.Widgets) >= maxWidgets {
		return nil, invalid("", "the dashboard has %d widgets already, which is the most", len(d.Widgets))
	}
	return e.store.CreateWidget(ctx, n)
}

// UpdateWidget changes a widget on a dashboard of the caller's. Metadata merges into what is stored by top-level key: values replace as a unit and a
// null removes the key, but a hist_parameters that holds only the mode merges. A metadata.width becomes the widget's
// width.
func (e *Engine) UpdateWidget(ctx context.Context, id int64, p WidgetPatch) (*Widget, error) {
	if err := e.requireWidget(ctx, id); err != nil {
		return nil, err
	}
	if err := e.requireNamed(ctx, p.Metadata); err != nil {
		return nil, err
	}
	return e.store.UpdateWidget(ctx, id, func(w *Widget) error {
		if p.Name != nil {
			w.Name = *p.Name
		}
		if p.Metadata != nil {
			patch := maps.Clone(p.Metadata)
			if mode, ok := onlyMode(patch["hist_parameters"]); ok {
				if stored, ok := w.Metadata["hist_parameters"].(map[string]any); ok {
					patch["hist_parameters"] = merged(stored, mode)
				}
			}
			w.Metadata = merged(w.Metadata, patch)
			if width := metadataWidth(patch); width != 0 {
				w.Width = width
			}
		}
		if p.Width != nil {
			w.Width = *p.Width
		}
		return checkWidget(w)
	})
}

// DeleteWidget takes a widget off a dashboard of the caller's.
func (e *Engine) DeleteWidget(ctx context.Context, id int64) error {
	if err := e.requireWidget(ctx, id); err != nil {
		return err
	}
	return e.store.DeleteWidget(ctx, id)
}

// requireWidget asks for leave to change a widget: an update of its dashboard.
func (e *Engine) requireWidget(ctx context.Context, id int64) error {
	// Who the caller is comes before whether there is such a widget.
	if _, err := e.caller(ctx); err != nil {
		return err
	}
	w, err := e.store.GetWidget(ctx, id)
	if err != nil {
		return err
	}
	_, err = e.ownDashboard(ctx, authz.Update, w.DashboardID)
	return err
}

// requireNamed asks for the organizations that a widget's metadata names.
func (e *Engine) requireNamed(ctx context.Context, metadata map[string]any) error {
	if metadata["organization_ids"] == nil {
		return nil
	}
	uids, err := params(metadata).organizations()
	if err != nil {
		return err
	}
	return e.requireDashboard(ctx, authz.Read, uids)
}

// arranged puts widgets in the dashboard's order, those that it doesn't name last, and makes the order name all of them and nothing else.
func arranged(d *Dashboard) *Dashboard {
	place := make(map[int64]int, len(d.WidgetsOrder))
	for i, id := range d.WidgetsOrder {
		if _, ok := place[id]; !ok {
			place[id] = i
		}
	}
	at := func(w *Widget) int {
		if i, ok := place[w.ID]; ok {
			return i
		}
		return len(d.WidgetsOrder)
	}
	slices.SortFunc(d.Widgets, func(a, b *Widget) int { return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a.ID, b.ID)) })
	d.WidgetsOrder = make([]int64, len(d.Widgets))
	for i, w := range d.Widgets {
		d.WidgetsOrder[i] = w.ID
	}
	return d
}

// merged is base with the patch's keys in it; neither changes.
func merged(base, patch map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range patch {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func onlyMode(v any) (map[string]any, bool) {
	m, ok := v.(map[string]any)
	return m, ok && len(m) == 1 && m["mode"] != nil
}

// metadataWidth is the width that a client put into metadata, 0 if it is not one.
func metadataWidth(metadata map[string]any) int {
	d, ok := decimalOf(metadata["width"])
	if !ok || !d.IsInteger() || d.Sign() <= 0 || d.GreaterThan(decimalOfInt(12)) {
		return 0
	}
	return int(d.IntPart())
}

func checkDashboard(d *Dashboard) error {
	if err := checkName(d.Name); err != nil {
		return err
	}
	if !isCurrency(d.Currency) {
		return invalid("currency", "must be an ISO 4217 code, such as USD")
	}
	return checkMetadata(d.Metadata)
}

func checkWidget(w *Widget) error {
	if err := checkName(w.Name); err != nil {
		return err
	}
	if w.Width < 1 || w.Width > 12 {
		return invalid("width", "must be 1 to 12")
	}
	return checkMetadata(w.Metadata)
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return invalid("name", "must not be empty")
	case !utf8.ValidString(name), strings.ContainsRune(name, 0):
		return invalid("name", "must be text")
	case utf8.RuneCountInString(name) > maxName:
		return invalid("name", "must not be longer than %d characters", maxName)
	}
	return nil
}

func checkMetadata(m map[string]any) error {
	b, err := json.Marshal(m)
	if err != nil {
		return invalid("metadata", "must be JSON")
	}
	if len(b) > maxMetadataBytes {
		return invalid("metadata", "must not be larger than %d KiB", maxMetadataBytes>>10)
	}
	return nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func unique(ss []string) []string {
	var out []string
	for _, s := range ss {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
