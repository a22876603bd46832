package hub

import (
	"net/url"
	"strconv"
	"strings"
)

// Endpoints is what hosted apps are told of the platform. What is empty is left out of their environment. Of its own address an
// app is told by the [Provisioner].
type Endpoints struct {
	// HubAPI and HubIDP are where the hub's API and its sign-in pages are; Connec is Connec's.
	HubAPI, HubIDP, Connec string
	// OIDCIssuer is the OpenID Connect issuer.
	OIDCIssuer string
	// Environment is "production", "uat", "local", ….
	Environment string
	// AppURL is the address that the provisioner will give an app, with {uid} for its UID: "https://{uid}.apps.example.com". With it
	// an app's sign-in works from its first second; without it, from when it runs.
	AppURL string
}

// environment is what a hosted app finds in its environment. The same instance gets the same each time.
func (e *Engine) environment(r *InstanceRecord, app *AppRecord, s instanceSecrets) map[string]string {
	env := map[string]string{
		"MNO_SSO_ENABLED":           strconv.FormatBool(app.SSOInitPath != ""),
		"MNO_CONNEC_ENABLED":        strconv.FormatBool(e.endpoints.Connec != ""),
		"MNO_MAESTRANO_ENVIRONMENT": e.endpoints.Environment,
		"MNO_API_KEY":               r.ClientID,
		"MNO_API_SECRET":            s.Key,
		"MNO_HUB_API_URL":           e.endpoints.HubAPI,
		"MNO_HUB_IDP_URL":           e.endpoints.HubIDP,
		"MNO_CONNEC_API_URL":        e.endpoints.Connec,
		"GROUP_ID":                  r.ID,
		"WEBHOOK_SECRET":            s.Webhook,
		"OIDC_ISSUER":               e.endpoints.OIDCIssuer,
		"OIDC_CLIENT_ID":            r.ClientID,
		"OIDC_CLIENT_SECRET":        s.Key,
		"OIDC_REDIRECT_PATH":        defaultRedirectPath,
	}
	if u, err := url.Parse(e.plannedURL(r)); err == nil {
		env["MNO_SERVER_HOSTNAME"] = u.Hostname()
	}
	if len(app.RedirectPaths) > 0 {
		env["OIDC_REDIRECT_PATH"] = app.RedirectPaths[0]
	}
	for k, v := range env {
		if v == "" {
			delete(env, k)
		}
	}
	return env
}

// appURL is where a hosted app is, or will be as far as that is known.
func (e *Engine) appURL(r *InstanceRecord) string {
	if r.URL != "" {
		return r.URL
	}
	return e.plannedURL(r)
}

func (e *Engine) plannedURL(r *InstanceRecord) string {
	return strings.TrimRight(strings.ReplaceAll(e.endpoints.AppURL, "{uid}", r.ID), "/")
}
