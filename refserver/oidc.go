package refserver

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmoidc"
	"github.com/ensemble-platform/ensemble/idm/idmoidcsql"
)

// composeOIDC makes the OpenID provider, in the process that has idm.
func (s *Server) composeOIDC(ctx context.Context, svc idm.Service) error {
	db, dialect, err := s.storage.database("idm") // idm's migrations hold the provider's tables too
	if err != nil {
		return err
	}
	st := idmoidcsql.New(db, dialect, idmoidcsql.WithKey(s.secret))
	s.reseal(ctx, "the OpenID provider", st)
	opts := []idmoidc.Option{idmoidc.WithLogger(s.log), idmoidc.WithGroupName(s.groupName)}
	if strings.HasPrefix(s.cfg.IssuerURL, "http://") {
		opts = append(opts, idmoidc.WithInsecureIssuer())
	}
	p, err := idmoidc.New(svc, st, s.cfg.IssuerURL, opts...)
	if err != nil {
		return err
	}
	s.door.routes.add("oidc", p, "/oidc/")
	s.Go(p.Run)
	return nil
}

// groupName is what a user who must choose between several groups is shown: the organization's name.
func (s *Server) groupName(ctx context.Context, g idm.Group) string {
	if s.Hub != nil {
		if o, err := s.Hub.GetOrganization(authz.WithCredential(ctx, authz.OnBehalfOf("svc-hub")), g.OrganizationID); err == nil {
			return o.Name
		}
	}
	return g.OrganizationID
}

// proxyOIDC passes sign-ins on to the process that has the OpenID provider, so that browsers and apps know one address.
func (s *Server) proxyOIDC() {
	target, _ := url.Parse(string(s.cfg.IDM)) // Validate has read it
	s.door.routes.add("oidc", &httputil.ReverseProxy{
		Transport: remote().Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "Signing in is not possible just now.", http.StatusBadGateway)
		},
	}, "/oidc/")
}
