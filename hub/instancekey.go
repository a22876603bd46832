package hub

import (
	"context"

	"github.com/ensemble-platform/ensemble/authz"
)

// InstanceKey returns the API id and key that an app instance uses at the platform: its own for a hosted app, the app's for others. It is
// for operators and services of the process that has the hub; there is no such call over HTTP.
func (e *Engine) InstanceKey(ctx context.Context, id string) (clientID, key string, err error) {
	if _, err := authz.Require(ctx, e.authorizer, authz.ManagePlatform, authz.Platform, "platform"); err != nil {
		return "", "", err
	}
	r, err := e.store.GetInstance(ctx, id)
	if err != nil {
		return "", "", err
	}
	app, err := e.store.GetApp(ctx, r.AppID)
	if err != nil {
		return "", "", err
	}
	s, err := e.secrets(r, app)
	return r.ClientID, s.Key, err
}
