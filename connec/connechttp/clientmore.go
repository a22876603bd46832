package connechttp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

// Batch runs operations in order.
func (c *Client) Batch(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	if len(ops) == 0 {
		return []connec.OpResult{}, nil
	}
	body := []byte(`{"sequential":true,"ops":[`)
	for i, op := range ops {
		if i > 0 {
			body = append(body, ',')
		}
		var err error
		if body, err = appendOp(body, op); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
	}
	body = append(body, "]}"...)
	res, err := c.do(ctx, func() (*http.Request, error) {
		return connecapi.NewBatchRequest(c.base, &connecapi.BatchParams{Versions: new("true")}, body)
	})
	if errors.Is(err, authz.ErrUnauthenticated) {
		out := make([]connec.OpResult, len(ops))
		for i := range out {
			out[i].Err = err
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	var doc struct {
		Results []struct {
			Status int             `json:"status"`
			Body   json.RawMessage `json:"body"`
		} `json:"results"`
	}
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	if len(doc.Results) != len(ops) {
		return nil, errShortBatch
	}
	out := make([]connec.OpResult, len(ops))
	for i, r := range doc.Results {
		if r.Status >= http.StatusBadRequest {
			out[i].Err = fromErrors(r.Status, r.Body)
			continue
		}
		if out[i].Resource, err = decodeEnvelope(r.Body, ops[i].ReadOptions); err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
		if isCreate(ops[i]) {
			out[i].Outcome = connec.Matched
			if r.Status == http.StatusCreated {
				out[i].Outcome = connec.Created
			}
		}
	}
	return out, nil
}

func isCreate(op connec.Op) bool { return op.ID == "" }

func isRead(op connec.Op) bool { return op.ID != "" && op.Attributes == nil }

// appendOp appends one operation, with its own read options where the API knows only the batch's.
func appendOp(b []byte, op connec.Op) ([]byte, error) {
	path := "/api/v2/" + url.PathEscape(op.Group) + "/" + url.PathEscape(op.Collection) + "/" + url.PathEscape(op.ID)
	method := "put"
	switch {
	case isRead(op):
		method = "get"
	case op.ID == "":
		method = "post"
	}
	b = append(b, `{"method":"`+method+`","url":`...)
	b = appendString(b, path)
	if op.ReadOptions.ExternalIDs {
		b = append(b, `,"external_ids":true`...)
	}
	if op.CountryAlpha2 {
		b = append(b, `,"country_format":"alpha2"`...)
	}
	if !isRead(op) {
		b = append(b, `,"params":`...)
		params, err := encodeWrite(op.Collection, op.Attributes, op.WriteOptions)
		if err != nil {
			return nil, err
		}
		b = append(b, params...)
	}
	return append(b, '}'), nil
}

// History lists the transactions of a record.
func (c *Client) History(ctx context.Context, group, collection, id string) ([]*connec.Transaction, error) {
	if err := checkPath(group, collection, cmp.Or(id, ".")); err != nil {
		return nil, err
	}
	res, err := c.do(ctx, func() (*http.Request, error) {
		return connecapi.NewListHistoryRequest(c.base, group, collection, id)
	})
	if err != nil {
		return nil, err
	}
	var doc connecapi.History
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	return convert(doc.Transactions, fromAPITransaction), nil
}

// Changes reads the change feed.
func (c *Client) Changes(ctx context.Context, group string, q connec.FeedQuery) (*connec.Feed, error) {
	if err := checkPath(group, "-", ""); err != nil {
		return nil, err
	}
	p := &connecapi.ListChangesParams{Cursor: some(q.Cursor), Limit: some(q.Limit), Collections: q.Collections}
	res, err := c.do(ctx, func() (*http.Request, error) { return connecapi.NewListChangesRequest(c.base, group, p) })
	if err != nil {
		return nil, err
	}
	var doc connecapi.Feed
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	return &connec.Feed{Changes: convert(doc.Changes, fromAPITransaction), Cursor: doc.Cursor, More: doc.More}, nil
}

// ResourceTypes lists the collections.
func (c *Client) ResourceTypes(ctx context.Context) ([]*connec.ResourceType, error) {
	res, err := c.do(ctx, func() (*http.Request, error) { return connecapi.NewListResourceTypesRequest(c.base) })
	if err != nil {
		return nil, err
	}
	var doc connecapi.ResourceTypeList
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	return convert(doc.ResourceTypes, func(rt connecapi.ResourceType) *connec.ResourceType {
		return &connec.ResourceType{Name: rt.Name, Singleton: rt.Singleton, CodePrefix: rt.CodePrefix, Schema: rt.Schema}
	}), nil
}

// PutSubscription creates or replaces a subscription.
func (c *Client) PutSubscription(ctx context.Context, s connec.Subscription) (*connec.Subscription, error) {
	if odd(s.ID) {
		return nil, problem.Invalid(connec.ErrInvalid, "id", "must be the id of a group, not %q", s.ID)
	}
	res, err := c.do(ctx, func() (*http.Request, error) {
		return connecapi.NewPutSubscriptionRequest(c.base, s.ID, toAPISubscription(&s))
	})
	if err != nil {
		return nil, err
	}
	var doc connecapi.Subscription
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	return fromAPISubscription(doc), nil
}

// DeleteSubscription drops a subscription.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	if odd(id) {
		return fmt.Errorf("subscription %q: %w", id, connec.ErrNotFound)
	}
	_, err := c.do(ctx, func() (*http.Request, error) { return connecapi.NewDeleteSubscriptionRequest(c.base, id) })
	return err
}

// ListSubscriptions lists those of the group's organization.
func (c *Client) ListSubscriptions(ctx context.Context, group string) ([]*connec.Subscription, error) {
	if err := checkPath(group, "-", ""); err != nil {
		return nil, err
	}
	res, err := c.do(ctx, func() (*http.Request, error) { return connecapi.NewListSubscriptionsRequest(c.base, group) })
	if err != nil {
		return nil, err
	}
	var doc connecapi.SubscriptionList
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	return convert(doc.Subscriptions, fromAPISubscription), nil
}

// ListDeliveries lists those of the group's organization.
func (c *Client) ListDeliveries(ctx context.Context, group string, q connec.DeliveryQuery) ([]*connec.Delivery, error) {
	if err := checkPath(group, "-", ""); err != nil {
		return nil, err
	}
	p := &connecapi.ListDeliveriesParams{Limit: some(q.Limit), Subscription: some(q.SubscriptionID), State: some(connecapi.DeliveryState(q.State))}
	res, err := c.do(ctx, func() (*http.Request, error) { return connecapi.NewListDeliveriesRequest(c.base, group, p) })
	if err != nil {
		return nil, err
	}
	var doc connecapi.DeliveryList
	if err := decode(res.body, &doc); err != nil {
		return nil, err
	}
	return convert(doc.Deliveries, fromAPIDelivery), nil
}
