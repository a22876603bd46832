package hubsql

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/ent/hubdb"
	"github.com/ensemble-platform/ensemble/ent/hubdb/app"
	"github.com/ensemble-platform/ensemble/hub"
)

func byNumber(os []*hub.Organization) []*hub.Organization {
	slices.SortFunc(os, func(a, b *hub.Organization) int { return cmp.Compare(a.Number, b.Number) })
	return slices.CompactFunc(os, func(a, b *hub.Organization) bool { return a.Number == b.Number })
}

// PutApp creates or changes an app.
func (s *Store) PutApp(ctx context.Context, nid string, change func(*hub.AppRecord) error) (*hub.AppRecord, error) {
	r, err := s.putApp(ctx, nid, change)
	if hubdb.IsConstraintError(err) { // somebody else may have created it at the same moment: then this is a change
		r, err = s.putApp(ctx, nid, change)
	}
	if err != nil {
		return nil, translate("app", nid, err)
	}
	return r, nil
}

func (s *Store) putApp(ctx context.Context, nid string, change func(*hub.AppRecord) error) (r *hub.AppRecord, err error) {
	err = s.tx(ctx, func(tx *hubdb.Tx) error {
		q := tx.App.Query().Where(app.Nid(nid))
		if s.locks() {
			q.ForUpdate()
		}
		old, err := q.Only(ctx)
		if err != nil && !hubdb.IsNotFound(err) {
			return err
		}
		next := &hub.AppRecord{App: hub.App{NID: nid}}
		if old != nil {
			next = fromDBApp(old)
		}
		if err := change(next); err != nil {
			return err
		}
		var d *hubdb.App
		if old == nil {
			c := tx.App.Create().SetUID(next.ID).SetNid(nid).SetCreatedAt(utc(next.CreatedAt))
			setApp(c.Mutation(), next)
			d, err = c.Save(ctx)
		} else {
			u := tx.App.UpdateOne(old)
			setApp(u.Mutation(), next)
			d, err = u.Save(ctx)
		}
		if err != nil {
			return err
		}
		r = fromDBApp(d)
		return nil
	})
	return r, err
}

func setApp(m *hubdb.AppMutation, r *hub.AppRecord) {
	m.SetName(r.Name)
	m.SetTinyDescription(r.TinyDescription)
	m.SetDescription(r.Description)
	m.SetLogo(r.Logo)
	m.SetStack(string(r.Stack))
	m.SetHost(r.Host)
	m.SetSSOInitPath(r.SSOInitPath)
	m.SetNotificationPath(r.NotificationPath)
	m.SetExternalIds(r.ExternalIDs)
	m.SetActive(r.Active)
	m.SetPublished(r.Published)
	m.SetUpdatedAt(utc(r.UpdatedAt))
	setOrClear(r.Categories, m.SetCategories, m.ClearCategories)
	setOrClear(r.Collections, m.SetCollections, m.ClearCollections)
	setOrClear(r.RedirectPaths, m.SetRedirectPaths, m.ClearRedirectPaths)
	setOrClear(r.SealedKey, m.SetSealedKey, m.ClearSealedKey)
}

func setOrClear[T any](s []T, set func([]T), clearIt func()) {
	if len(s) == 0 {
		clearIt()
	} else {
		set(s)
	}
}

// GetApp returns an app by ID, Number or NID.
func (s *Store) GetApp(ctx context.Context, ref string) (*hub.AppRecord, error) {
	r, ok := parse(ref)
	if !ok {
		return nil, translate("app", ref, &hubdb.NotFoundError{})
	}
	d, err := s.client.App.Query().Where(app.Or(app.UID(r.uid), app.Nid(r.uid), app.ID(r.number))).Only(ctx)
	if err != nil {
		return nil, translate("app", ref, err)
	}
	return fromDBApp(d), nil
}

// ListApps lists apps by name.
func (s *Store) ListApps(ctx context.Context) ([]*hub.AppRecord, error) {
	found, err := s.client.App.Query().Order(app.ByID()).All(ctx)
	if err != nil {
		return nil, translate("list", "apps", err)
	}
	out := make([]*hub.AppRecord, len(found))
	for i, d := range found {
		out[i] = fromDBApp(d)
	}
	// Databases order text by their own rules.
	slices.SortStableFunc(out, func(a, b *hub.AppRecord) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
