package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Config is what an app is told by its environment. What is missing switches off what needs it.
type Config struct {
	// Listen is where to serve: 127.0.0.1 and PORT.
	Listen string
	// PublicURL is where browsers find the app: NEX_PUBLIC_URL.
	PublicURL string

	// Issuer, ClientID and ClientSecret are for the sign-in by OpenID Connect: OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET.
	Issuer, ClientID, ClientSecret string
	// RedirectPath is where the sign-in returns to: OIDC_REDIRECT_PATH, or /maestrano/auth/oidc/callback.
	RedirectPath string

	// ConnecURL is where Connec is, and GroupID the app's place in it: MNO_CONNEC_API_URL and GROUP_ID.
	ConnecURL, GroupID string
	// APIKey and APISecret are the app's own credential: MNO_API_KEY and MNO_API_SECRET.
	APIKey, APISecret string
	// WebhookSecret signs what Connec sends: WEBHOOK_SECRET.
	WebhookSecret string
}

var redirectPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+){2,}$`) // more than one segment: never one of the app's own pages

const defaultRedirectPath = "/maestrano/auth/oidc/callback"

// FromEnv reads a Config from an environment in the form of os.Environ.
func FromEnv(environ []string) (Config, error) {
	env := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok {
			env[k] = v
		}
	}
	c := Config{
		PublicURL:     strings.TrimRight(env["NEX_PUBLIC_URL"], "/"),
		Issuer:        env["OIDC_ISSUER"],
		ClientID:      env["OIDC_CLIENT_ID"],
		ClientSecret:  env["OIDC_CLIENT_SECRET"],
		RedirectPath:  env["OIDC_REDIRECT_PATH"],
		ConnecURL:     strings.TrimRight(env["MNO_CONNEC_API_URL"], "/"),
		GroupID:       env["GROUP_ID"],
		APIKey:        env["MNO_API_KEY"],
		APISecret:     env["MNO_API_SECRET"],
		WebhookSecret: env["WEBHOOK_SECRET"],
	}
	port, err := strconv.ParseUint(env["PORT"], 10, 16)
	if err != nil {
		return c, fmt.Errorf("PORT must be a number: %q", env["PORT"])
	}
	c.Listen = net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10))
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" {
		return c, errors.New("NEX_PUBLIC_URL must be the app's public address")
	}
	if c.RedirectPath == "" {
		c.RedirectPath = defaultRedirectPath
	}
	if !redirectPath.MatchString(c.RedirectPath) {
		return c, errors.New("OIDC_REDIRECT_PATH must be a path such as " + defaultRedirectPath)
	}
	return c, nil
}

func (c Config) signsIn() bool { return c.Issuer != "" && c.ClientID != "" }

func (c Config) shares() bool { return c.ConnecURL != "" && c.GroupID != "" && c.APIKey != "" }
