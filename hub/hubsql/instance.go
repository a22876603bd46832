package hubsql

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/hubdb"
	entinstance "github.com/ensemble-platform/ensemble/ent/hubdb/instance"
	"github.com/ensemble-platform/ensemble/hub"
)

// CreateInstance adds an app instance with its order.
func (s *Store) CreateInstance(ctx context.Context, r hub.InstanceRecord) (*hub.InstanceRecord, error) {
	c := s.client.Instance.Create().SetUID(r.ID).SetOrganizationUID(r.OrganizationID).SetAppUID(r.AppID).SetCreatedAt(utc(r.CreatedAt))
	setInstance(c.Mutation(), &r)
	d, err := c.Save(ctx)
	if err != nil {
		return nil, translate("app instance", r.ID, err)
	}
	return fromDBInstance(d), nil
}

func setInstance(m *hubdb.InstanceMutation, r *hub.InstanceRecord) {
	m.SetClientUID(r.ClientID)
	m.SetName(r.Name)
	m.SetStatus(string(r.Status))
	m.SetProgress(r.Progress)
	m.SetStep(r.Step)
	m.SetURL(r.URL)
	m.SetSettings(r.Settings)
	m.SetUpdatedAt(utc(r.UpdatedAt))
	m.SetOrderKind(string(r.Order.Kind))
	m.SetOrderStep(r.Order.Step)
	m.SetOrderAttempts(r.Order.Attempts)
	m.SetOrderClaim(r.Order.Claim)
	setOrClear(r.Errors, m.SetErrors, m.ClearErrors)
	setOrClear(r.SealedSecrets, m.SetSealedSecrets, m.ClearSealedSecrets)
	if len(r.Durations) > 0 {
		m.SetDurations(toDBDurations(r.Durations))
	} else {
		m.ClearDurations()
	}
	optional(activeKey(r), m.SetActiveKey, m.ClearActiveKey)
	optional(orNull(r.StartedAt), m.SetStartedAt, m.ClearStartedAt)
	optional(orNull(r.TerminatedAt), m.SetTerminatedAt, m.ClearTerminatedAt)
	optional(orNull(r.Order.StepAt), m.SetOrderStepAt, m.ClearOrderStepAt)
	optional(orNull(r.Order.DueAt), m.SetOrderDueAt, m.ClearOrderDueAt)
	optional(orNull(r.Order.ClaimedUntil), m.SetOrderClaimedUntil, m.ClearOrderClaimedUntil)
	optional(freeAt(r.Order), m.SetOrderFreeAt, m.ClearOrderFreeAt)
}

func optional[T any](v *T, set func(T), clearIt func()) {
	if v == nil {
		clearIt()
	} else {
		set(*v)
	}
}

// GetInstance returns an app instance by ID or Number.
func (s *Store) GetInstance(ctx context.Context, ref string) (*hub.InstanceRecord, error) {
	r, ok := parse(ref)
	if !ok {
		return nil, translate("app instance", ref, &hubdb.NotFoundError{})
	}
	d, err := s.client.Instance.Query().Where(entinstance.Or(entinstance.UID(r.uid), entinstance.ID(r.number))).Only(ctx)
	if err != nil {
		return nil, translate("app instance", ref, err)
	}
	return fromDBInstance(d), nil
}

// ListInstances lists an organization's app instances by Number.
func (s *Store) ListInstances(ctx context.Context, organizationID string) ([]*hub.InstanceRecord, error) {
	found, err := s.client.Instance.Query().
		Where(entinstance.OrganizationUID(organizationID), entinstance.ActiveKeyNotNil()).Order(entinstance.ByID()).All(ctx)
	if err != nil {
		return nil, translate("list", "app instances", err)
	}
	out := make([]*hub.InstanceRecord, len(found))
	for i, d := range found {
		out[i] = fromDBInstance(d)
	}
	return out, nil
}

// ScanInstances lists app instances by Number, some at a time.
func (s *Store) ScanInstances(ctx context.Context, appID string, after int64, limit int) ([]*hub.InstanceRecord, error) {
	q := s.client.Instance.Query().Where(entinstance.IDGT(after), entinstance.ActiveKeyNotNil()).Order(entinstance.ByID()).Limit(limit)
	if appID != "" {
		q.Where(entinstance.AppUID(appID))
	}
	found, err := q.All(ctx)
	if err != nil {
		return nil, translate("scan", "app instances", err)
	}
	out := make([]*hub.InstanceRecord, len(found))
	for i, d := range found {
		out[i] = fromDBInstance(d)
	}
	return out, nil
}

// UpdateInstance changes an app instance under a lock.
func (s *Store) UpdateInstance(ctx context.Context, id string, change func(*hub.InstanceRecord) error) (*hub.InstanceRecord, error) {
	var out *hub.InstanceRecord
	err := s.tx(ctx, func(tx *hubdb.Tx) error {
		q := tx.Instance.Query().Where(entinstance.UID(id))
		if s.locks() {
			q.ForUpdate()
		}
		old, err := q.Only(ctx)
		if err != nil {
			return err
		}
		next := fromDBInstance(old)
		if err := change(next); err != nil {
			return err
		}
		next.OrganizationID, next.AppID = old.OrganizationUID, old.AppUID // the active key is made of them
		u := tx.Instance.UpdateOne(old)
		setInstance(u.Mutation(), next)
		d, err := u.Save(ctx)
		if err != nil {
			return err
		}
		out = fromDBInstance(d)
		return nil
	})
	if err != nil {
		return nil, translate("app instance", id, err)
	}
	return out, nil
}

// ClaimOrder takes the order that has been due longest.
func (s *Store) ClaimOrder(ctx context.Context, now time.Time, claim string, until time.Time) (*hub.InstanceRecord, error) {
	// Most often there is none: find out without a write transaction.
	due := s.client.Instance.Query().Where(entinstance.OrderFreeAtLTE(utc(now)))
	if found, err := due.Exist(ctx); err != nil || !found {
		if err == nil {
			err = &hubdb.NotFoundError{}
		}
		return nil, translate("claim", "an order", err)
	}
	var out *hub.InstanceRecord
	err := s.tx(ctx, func(tx *hubdb.Tx) error {
		q := tx.Instance.Query().Where(entinstance.OrderFreeAtLTE(utc(now))).
			Order(entinstance.ByOrderDueAt(), entinstance.ByID()).Limit(1)
		if s.locks() {
			q.ForUpdate(sql.WithLockAction(sql.SkipLocked))
		}
		d, err := q.First(ctx)
		if err != nil {
			return err
		}
		r := fromDBInstance(d)
		r.Order.Claim, r.Order.ClaimedUntil = claim, until
		u := tx.Instance.UpdateOne(d)
		setInstance(u.Mutation(), r)
		if d, err = u.Save(ctx); err != nil {
			return err
		}
		out = fromDBInstance(d)
		return nil
	})
	if err != nil {
		return nil, translate("claim", "an order", err)
	}
	return out, nil
}
