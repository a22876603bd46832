package connec

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/authz"
)

func (e *Engine) managePlatform(ctx context.Context) error {
	_, err := authz.Require(ctx, e.authz, authz.ManagePlatform, authz.Platform, "platform")
	return err
}

// PutSubscription implements Service. A subscription without a URL is for a function in the dispatcher's process; see WithSubscriber.
func (e *Engine) PutSubscription(ctx context.Context, s Subscription) (*Subscription, error) {
	if err := e.managePlatform(ctx); err != nil {
		return nil, err
	}
	if err := e.checkSubscription(&s); err != nil {
		return nil, err
	}
	before, err := e.store.GetSubscription(ctx, s.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		s.CreatedAt = e.now()
	case err != nil:
		return nil, fmt.Errorf("put subscription %s: %w", s.ID, err)
	default:
		s.CreatedAt = before.CreatedAt
		if s.Secret == "" {
			s.Secret = before.Secret
		}
	}
	if s.Secret == "" {
		s.Secret = NewWebhookSecret()
	}
	s.Collections = slices.Clone(s.Collections)
	if err := e.store.PutSubscription(ctx, &s); err != nil {
		return nil, fmt.Errorf("put subscription %s: %w", s.ID, err)
	}
	return &s, nil
}

func (e *Engine) checkSubscription(s *Subscription) error {
	v := &normalizer{}
	for path, text := range map[string]string{"id": s.ID, "organization": s.Organization, "app_id": s.AppID} {
		if text == "" || len(text) > 255 || !plainText(text) {
			v.refuse(path, "must be a text of 1 to 255 bytes")
		}
	}
	for path, text := range map[string]string{"username": s.Username, "password": s.Password, "url": s.URL} {
		if len(text) > 2048 || !plainText(text) {
			v.refuse(path, "must be a text of at most 2048 bytes")
		}
	}
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			v.refuse("url", "must be an absolute http or https URL without a user")
		}
	}
	if s.Secret != "" {
		if key, err := secretKey(s.Secret); err != nil || len(key) < 24 || len(key) > 64 {
			v.refuse("secret", `must be "whsec_" and 24 to 64 bytes in base64`)
		}
	}
	for _, name := range s.Collections {
		if e.model.types[name] == nil {
			v.refuse("collections", "has %q, which is no collection", name)
		}
	}
	return v.err()
}

func plainText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func secretKey(secret string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
}

// DeleteSubscription implements Service.
func (e *Engine) DeleteSubscription(ctx context.Context, id string) error {
	if err := e.managePlatform(ctx); err != nil {
		return err
	}
	if err := e.store.DeleteSubscription(ctx, id); err != nil {
		return fmt.Errorf("delete subscription %s: %w", id, err)
	}
	return nil
}

// ListSubscriptions implements Service. An app instance sees its own only.
func (e *Engine) ListSubscriptions(ctx context.Context, group string) ([]*Subscription, error) {
	d, err := e.allow(ctx, authz.Read, group, "subscriptions")
	if err != nil {
		return nil, err
	}
	ss, err := e.store.ListSubscriptions(ctx, d.Organization)
	if err != nil {
		return nil, fmt.Errorf("list subscriptions: %w", err)
	}
	out := make([]*Subscription, 0, len(ss))
	for _, s := range ss {
		if d.Principal.Type == authz.App && s.ID != d.Group {
			continue
		}
		s.Password, s.Secret = "", ""
		out = append(out, s)
	}
	return out, nil
}

// ListDeliveries implements Service. An app instance sees its own only.
func (e *Engine) ListDeliveries(ctx context.Context, group string, q DeliveryQuery) ([]*Delivery, error) {
	d, err := e.allow(ctx, authz.Read, group, "deliveries")
	if err != nil {
		return nil, err
	}
	if d.Principal.Type == authz.App {
		if q.SubscriptionID != "" && q.SubscriptionID != d.Group {
			return nil, nil
		}
		q.SubscriptionID = d.Group
	}
	q.Limit = limit(q.Limit)
	ds, err := e.store.ListDeliveries(ctx, d.Organization, q)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return ds, nil
}
