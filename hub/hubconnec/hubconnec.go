// Package hubconnec lets the hub subscribe app instances to the changes in a connec.
//
//	engine := hub.New(store, authorizer, identity, hub.WithDataSharing(hubconnec.New(service)))
package hubconnec

import (
	"context"
	"errors"
	"fmt"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/hub"
)

type sharing struct{ connec connec.Service }

// New returns a DataSharing over s.
func New(s connec.Service) hub.DataSharing { return sharing{connec: s} }

// service is the context of calls that the hub makes for the platform.
func service(ctx context.Context) context.Context {
	return authz.WithCredential(ctx, authz.OnBehalfOf("svc-hub"))
}

func (s sharing) Subscribe(ctx context.Context, d hub.DataSubscription) error {
	_, err := s.connec.PutSubscription(service(ctx), connec.Subscription{
		ID: d.InstanceID, Organization: d.OrganizationID, AppID: d.ClientID, Collections: d.Collections, URL: d.URL,
		Username: d.ClientID, Password: d.Key, Secret: d.Secret, ExternalIDs: d.ExternalIDs,
	})
	return translate(err)
}

func (s sharing) Unsubscribe(ctx context.Context, instanceID string) error {
	err := s.connec.DeleteSubscription(service(ctx), instanceID)
	if errors.Is(err, connec.ErrNotFound) {
		return nil
	}
	return translate(err)
}

// translated is an error of connec that matches the hub's own.
type translated struct {
	is, cause error
}

func (t *translated) Error() string   { return t.cause.Error() }
func (t *translated) Unwrap() []error { return []error{t.is, t.cause} }

func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, connec.ErrNotFound):
		return &translated{hub.ErrNotFound, err}
	case errors.Is(err, connec.ErrInvalid), errors.Is(err, connec.ErrUnknownCollection):
		return &translated{hub.ErrInvalid, err}
	case errors.Is(err, authz.ErrUnauthenticated), errors.Is(err, authz.ErrDenied):
		return fmt.Errorf("connec refuses the hub itself: %v", err) //nolint:errorlint // it is not the caller who was refused
	default:
		return err
	}
}
