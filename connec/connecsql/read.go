package connecsql

import (
	"cmp"
	"context"
	"slices"

	"github.com/ensemble-platform/ensemble/connec"
)

const recordColumns = "r.id, r.organization, r.collection, r.version, r.attributes, r.created_at, r.updated_at"

// recordByID asks for nothing but the id: given more conditions, PostgreSQL may walk another index before it has statistics.
func recordByID(d dialect, id string) *builder {
	return d.build().sql("SELECT "+recordColumns+" FROM connec_resources r WHERE r.id = ?", id)
}

func scanRecord(row scanner) (*record, error) {
	r := &record{}
	err := row.Scan(&r.id, &r.organization, &r.collection, &r.version, &r.doc, &r.created, &r.updated)
	return r, err
}

func (r *record) resource() (*connec.Resource, error) {
	attrs, err := decode(r.doc)
	if err != nil {
		return nil, err
	}
	return &connec.Resource{
		ID: r.id, Collection: r.collection, Organization: r.organization, Version: r.version, Attributes: attrs,
		CreatedAt: fromMicros(r.created), UpdatedAt: fromMicros(r.updated),
	}, nil
}

// Get implements connec.Store.
func (s *Store) Get(ctx context.Context, organization, collection, id string) (*connec.Resource, error) {
	b := recordByID(s.dialect, id)
	var r *record
	err := s.query(ctx, "get record", b.String(), b.args, func(row scanner) (err error) {
		r, err = scanRecord(row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if r == nil || r.organization != organization || r.collection != collection {
		return nil, connec.ErrNotFound
	}
	return r.resource()
}

// List implements connec.Store.
func (s *Store) List(ctx context.Context, q connec.ListQuery) ([]*connec.Resource, int, error) {
	b, err := s.dialect.list(q)
	if err != nil {
		return nil, 0, err
	}
	var records []*record
	err = s.query(ctx, "list records", b.String(), b.args, func(row scanner) error {
		r, err := scanRecord(row)
		records = append(records, r)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	out := make([]*connec.Resource, len(records))
	for i, r := range records {
		if out[i], err = r.resource(); err != nil {
			return nil, 0, err
		}
	}
	total := q.Skip + len(out)
	if len(out) == q.Top || len(out) == 0 && q.Skip > 0 {
		// The page doesn't tell how many there are.
		n, err := s.count(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		if len(out) > 0 {
			n = max(n, total) // in case some have gone meanwhile
		}
		total = n
	}
	return out, total, nil
}

// ExternalIDs implements connec.Store.
func (s *Store) ExternalIDs(ctx context.Context, organization string, ids []string) (map[string]connec.IDSet, error) {
	out := map[string]connec.IDSet{}
	for some := range slices.Chunk(ids, maxList) {
		b := s.dialect.build().sql("SELECT organization, record_id, external_id, provider, realm, group_id FROM connec_id_maps WHERE record_id IN ")
		b.list(some)
		err := s.query(ctx, "read external ids", b.String(), b.args, func(row scanner) error {
			var owner, id string
			var e connec.ExternalID
			err := row.Scan(&owner, &id, &e.ID, &e.Provider, &e.Realm, &e.GroupID)
			if owner == organization {
				out[id] = append(out[id], e)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for id, set := range out {
		slices.SortFunc(set, func(a, b connec.ExternalID) int {
			return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Realm, b.Realm), cmp.Compare(a.ID, b.ID), cmp.Compare(a.GroupID, b.GroupID))
		})
		// An id asked for twice, in different chunks, was found twice.
		out[id] = slices.Compact(set)
	}
	return out, nil
}
