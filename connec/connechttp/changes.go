package connechttp

import (
	"context"
	"fmt"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

// ListHistory lists the transactions of a record.
func (s *server) ListHistory(ctx context.Context, req connecapi.ListHistoryRequestObject) (connecapi.ListHistoryResponseObject, error) {
	rt, err := s.collection(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	ts, err := s.svc.History(ctx, req.Group, rt.Name, req.ID)
	if err != nil {
		return nil, err
	}
	return connecapi.ListHistory200JSONResponse{Transactions: convert(ts, toAPITransaction)}, nil
}

// ListChanges reads the change feed.
func (s *server) ListChanges(ctx context.Context, req connecapi.ListChangesRequestObject) (connecapi.ListChangesResponseObject, error) {
	q := connec.FeedQuery{Cursor: deref(req.Params.Cursor), Limit: deref(req.Params.Limit)}
	for _, name := range req.Params.Collections {
		rt, err := s.collection(ctx, name)
		if err != nil {
			return nil, err
		}
		q.Collections = append(q.Collections, rt.Name)
	}
	f, err := s.svc.Changes(ctx, req.Group, q)
	if err != nil {
		return nil, err
	}
	return connecapi.ListChanges200JSONResponse{Changes: convert(f.Changes, toAPITransaction), Cursor: f.Cursor, More: f.More}, nil
}

// ListSubscriptions lists the organization's.
func (s *server) ListSubscriptions(ctx context.Context, req connecapi.ListSubscriptionsRequestObject) (connecapi.ListSubscriptionsResponseObject, error) {
	subs, err := s.svc.ListSubscriptions(ctx, req.Group)
	if err != nil {
		return nil, err
	}
	return connecapi.ListSubscriptions200JSONResponse{Subscriptions: convert(subs, toAPISubscription)}, nil
}

// GetSubscription shows one of the organization's.
func (s *server) GetSubscription(ctx context.Context, req connecapi.GetSubscriptionRequestObject) (connecapi.GetSubscriptionResponseObject, error) {
	subs, err := s.svc.ListSubscriptions(ctx, req.ID)
	if err != nil {
		return nil, err
	}
	for _, sub := range subs {
		if sub.ID == req.ID {
			return connecapi.GetSubscription200JSONResponse(toAPISubscription(sub)), nil
		}
	}
	return nil, fmt.Errorf("subscription %s: %w", req.ID, connec.ErrNotFound)
}

// PutSubscription creates or replaces one.
func (s *server) PutSubscription(ctx context.Context, req connecapi.PutSubscriptionRequestObject) (connecapi.PutSubscriptionResponseObject, error) {
	if req.Body.ID != "" && req.Body.ID != req.ID {
		return nil, problem.Invalid(connec.ErrInvalid, "id", "must be the one in the path")
	}
	in := fromAPISubscription(*req.Body)
	in.ID = req.ID
	sub, err := s.svc.PutSubscription(ctx, *in)
	if err != nil {
		return nil, err
	}
	return connecapi.PutSubscription200JSONResponse(toAPISubscription(sub)), nil
}

// DeleteSubscription drops one.
func (s *server) DeleteSubscription(ctx context.Context, req connecapi.DeleteSubscriptionRequestObject) (connecapi.DeleteSubscriptionResponseObject, error) {
	if err := s.svc.DeleteSubscription(ctx, req.ID); err != nil {
		return nil, err
	}
	return connecapi.DeleteSubscription204Response{}, nil
}

// ListDeliveries lists the organization's.
func (s *server) ListDeliveries(ctx context.Context, req connecapi.ListDeliveriesRequestObject) (connecapi.ListDeliveriesResponseObject, error) {
	q := connec.DeliveryQuery{
		SubscriptionID: deref(req.Params.Subscription), State: connec.DeliveryState(deref(req.Params.State)), Limit: deref(req.Params.Limit),
	}
	if st := req.Params.State; st != nil && !st.Valid() {
		return nil, problem.Invalid(connec.ErrInvalid, "state", "must be pending, delivered or failed")
	}
	ds, err := s.svc.ListDeliveries(ctx, req.Group, q)
	if err != nil {
		return nil, err
	}
	return connecapi.ListDeliveries200JSONResponse{Deliveries: convert(ds, toAPIDelivery)}, nil
}

func convert[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

func toAPITransaction(t *connec.Transaction) connecapi.Transaction {
	return connecapi.Transaction{
		ID: t.ID, Sequence: t.Sequence, Organization: t.Organization, Collection: t.Collection, ResourceID: t.ResourceID,
		Version: t.Version, Action: t.Action, Actor: connecapi.Actor{Type: t.ActorType, ID: t.ActorID, Name: t.ActorName},
		Group: t.Group, RequestID: t.RequestID, Before: t.Before, After: t.After, At: t.At,
	}
}

func fromAPITransaction(t connecapi.Transaction) *connec.Transaction {
	return &connec.Transaction{
		ID: t.ID, Sequence: t.Sequence, Organization: t.Organization, Collection: t.Collection, ResourceID: t.ResourceID,
		Version: t.Version, Action: t.Action, ActorType: t.Actor.Type, ActorID: t.Actor.ID, ActorName: t.Actor.Name,
		Group: t.Group, RequestID: t.RequestID, Before: t.Before, After: t.After, At: t.At.UTC(),
	}
}

func toAPISubscription(s *connec.Subscription) connecapi.Subscription {
	return connecapi.Subscription{
		ID: s.ID, Organization: s.Organization, AppID: s.AppID, Collections: s.Collections, URL: s.URL, Username: s.Username,
		Password: s.Password, Secret: s.Secret, ExternalIDs: s.ExternalIDs, CreatedAt: timeOrNil(s.CreatedAt),
	}
}

func fromAPISubscription(s connecapi.Subscription) *connec.Subscription {
	return &connec.Subscription{
		ID: s.ID, Organization: s.Organization, AppID: s.AppID, Collections: s.Collections, URL: s.URL, Username: s.Username,
		Password: s.Password, Secret: s.Secret, ExternalIDs: s.ExternalIDs, CreatedAt: deref(s.CreatedAt).UTC(),
	}
}

func toAPIDelivery(d *connec.Delivery) connecapi.Delivery {
	return connecapi.Delivery{
		ID: d.ID, SubscriptionID: d.SubscriptionID, Organization: d.Organization, Collection: d.Collection, ResourceID: d.ResourceID,
		Sequence: d.Sequence, State: connecapi.DeliveryState(d.State), Attempts: d.Attempts, NextAttemptAt: timeOrNil(d.NextAttemptAt),
		LastStatus: d.LastStatus, LastError: d.LastError, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

func fromAPIDelivery(d connecapi.Delivery) *connec.Delivery {
	return &connec.Delivery{
		ID: d.ID, SubscriptionID: d.SubscriptionID, Organization: d.Organization, Collection: d.Collection, ResourceID: d.ResourceID,
		Sequence: d.Sequence, State: connec.DeliveryState(d.State), Attempts: d.Attempts, NextAttemptAt: deref(d.NextAttemptAt).UTC(),
		LastStatus: d.LastStatus, LastError: d.LastError, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
