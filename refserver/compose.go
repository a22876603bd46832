package refserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubconnec"
	"github.com/ensemble-platform/ensemble/hub/hubhttp"
	"github.com/ensemble-platform/ensemble/hub/hubidm"
	"github.com/ensemble-platform/ensemble/hub/hubnex"
	"github.com/ensemble-platform/ensemble/hub/hubsql"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
	"github.com/ensemble-platform/ensemble/idm/idmsql"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacconnec"
	"github.com/ensemble-platform/ensemble/impac/impachttp"
	"github.com/ensemble-platform/ensemble/impac/impacsql"
	"github.com/ensemble-platform/ensemble/internal/localname"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexhttp"
	"github.com/ensemble-platform/ensemble/nex/nexproc"
	"github.com/ensemble-platform/ensemble/nex/nexsql"
)

// serviceIDs are the platform's own services, as idm knows them. They share one key.
var serviceIDs = []string{"svc-hub", "svc-connec", "svc-impac", "svc-nex"}

// maxForm is the largest body of requests that hold no records: they are parsed before anybody asks who sends them.
const maxForm = 1 << 20

// compose makes the five services, each by its placement, in the order in which they need each other, and mounts them.
func (s *Server) compose(ctx context.Context) error {
	s.door = &frontDoor{metrics: newHTTPMetrics(s.metrics), log: s.log, maxBody: s.cfg.MaxBody}
	for _, step := range []func(context.Context) error{s.composeIDM, s.composeConnec, s.composeNex, s.composeHub, s.composeImpac} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.mountOwn()
	return nil
}

// remote is the HTTP client for a subsystem that runs elsewhere.
func remote() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.DialContext = localname.Dial((&net.Dialer{Timeout: 10 * time.Second}).DialContext)
	return &http.Client{Transport: t, Timeout: 60 * time.Second}
}

// accountWebhooks is the HTTP client that tells apps of removed groups. An app that is slow, or sends it elsewhere, is asked again later.
func accountWebhooks() *http.Client {
	c := remote()
	c.Timeout = 8 * time.Second
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// as is the credential that this server shows to other processes.
func (s *Server) as(service string) authz.Credential { return authz.Key(service, s.cfg.ServiceKey) }

func (s *Server) composeIDM(ctx context.Context) error {
	if s.cfg.IDM.Remote() {
		s.IDM = idmhttp.NewClient(string(s.cfg.IDM), remote(), idmhttp.WithCredential(s.as("svc-hub")))
		s.proxyOIDC()
	} else {
		st, err := store(ctx, s.storage, s.cfg.AutoMigrate, "idm", fallible(idmsql.New))
		if err != nil {
			return err
		}
		engine := idm.New(st, idm.WithLogger(s.log))
		s.IDM = engine
		s.Go(engine.Run)
		for _, id := range serviceIDs {
			if _, err := engine.PutClient(ctx, idm.Client{ID: id, Kind: idm.ServiceClient, Name: "Platform service " + strings.TrimPrefix(id, "svc-")}, s.cfg.ServiceKey); err != nil {
				return fmt.Errorf("register %s: %w", id, err)
			}
		}
		if err := s.composeOIDC(ctx, engine); err != nil {
			return err
		}
	}
	s.health.checks["idm"] = s.IDM.Ready
	s.door.routes.add("idm", idmhttp.NewHandler(s.IDM, idmhttp.WithLogger(s.log), idmhttp.WithPublicURL(s.cfg.PublicURL)), "/access/", "/.well-known/authzen-configuration", "/oauth2/", "/idm/")
	return nil
}

func (s *Server) composeConnec(ctx context.Context) error {
	switch {
	case s.cfg.Connec == Off:
		return nil
	case s.cfg.Connec.Remote():
		s.Connec = connechttp.NewClient(string(s.cfg.Connec), remote(), connechttp.WithCredential(s.as("svc-connec")))
	default:
		st, err := store(ctx, s.storage, s.cfg.AutoMigrate, "connec", openConnec(s.secret))
		if err != nil {
			return err
		}
		s.reseal(ctx, "connec", st)
		opts := []connec.Option{connec.WithLogger(s.log)}
		if s.cfg.AllowPrivateWebhooks {
			opts = append(opts, connec.WithPrivateNetworks())
		}
		d := connec.NewDispatcher(st, s.IDM, opts...)
		s.Connec = connec.New(st, s.IDM, connec.WithLogger(s.log), connec.WithDispatcher(d))
		s.Go(d.Run)
	}
	s.health.checks["connec"] = s.Connec.Ready
	h := connechttp.NewHandler(s.Connec, connechttp.WithBaseURL(s.cfg.PublicURL), connechttp.WithMaxBody(s.cfg.MaxBody), connechttp.WithLogger(s.log),
		connechttp.WithGate(s.known))
	s.door.routes.claim("connec", h, connechttp.Serves)
	return nil
}

// known refuses who has no valid credential.
func (s *Server) known(ctx context.Context) error {
	d, err := s.IDM.Authorize(ctx, authz.Request{
		Credential: authz.CredentialFrom(ctx), Action: authz.Read, Resource: authz.Resource{Type: authz.Platform, ID: idm.PlatformID},
	})
	if err != nil || d.Authenticated {
		return err
	}
	return d.Err()
}

func (s *Server) composeNex(ctx context.Context) error {
	switch {
	case s.cfg.Nex == Off:
		return nil
	case s.cfg.Nex.Remote():
		s.Nex = nexhttp.NewClient(string(s.cfg.Nex), remote(), nexhttp.WithCredential(s.as("svc-nex")))
	default:
		st, err := store(ctx, s.storage, s.cfg.AutoMigrate, "nex", fallible(nexsql.New))
		if err != nil {
			return err
		}
		backend := nexproc.New(filepath.Join(s.cfg.DataDir, "apps"), nexproc.WithLogger(s.log))
		engine := nex.New(st, backend, s.IDM, nex.WithDomain(s.cfg.AppsDomain), nex.WithURL(s.appURL), nex.WithKey(s.secret), nex.WithLogger(s.log))
		s.Nex = engine
		s.apps = engine.Router
		s.Go(engine.Run)
		s.stopApps = func(ctx context.Context) error { return backend.StopAll(ctx, 5*time.Second) }
		s.closers = append(s.closers, backend.Close)
	}
	s.health.checks["nex"] = s.Nex.Ready
	s.door.routes.add("nex", nexhttp.NewHandler(s.Nex, nexhttp.WithLogger(s.log)), "/nex/")
	return nil
}

// appURL is a hosted app's public address: the server's own with another host name.
func (s *Server) appURL(uid string) string {
	base := s.cfg.PublicURL
	if s.cfg.Nex.Remote() {
		base = string(s.cfg.Nex)
	}
	u, _ := url.Parse(base)
	host := uid + "." + s.cfg.AppsDomain
	if p := u.Port(); p != "" {
		host += ":" + p
	}
	return u.Scheme + "://" + host
}

func (s *Server) composeHub(ctx context.Context) error {
	switch {
	case s.cfg.Hub == Off:
		return nil
	case s.cfg.Hub.Remote():
		s.Hub = hubhttp.NewClient(string(s.cfg.Hub), remote(), hubhttp.WithCredential(s.as("svc-hub")))
	default:
		st, err := store(ctx, s.storage, s.cfg.AutoMigrate, "hub", fallible(hubsql.New))
		if err != nil {
			return err
		}
		endpoints := hub.Endpoints{
			HubAPI: s.cfg.PublicURL, HubIDP: s.cfg.PublicURL, OIDCIssuer: s.cfg.IssuerURL,
			Environment: "local", AppURL: s.appURL("{uid}"),
		}
		opts := []hub.Option{hub.WithLogger(s.log), hub.WithSecretKey(s.secret), hub.WithHTTPClient(accountWebhooks())}
		if s.Connec != nil {
			endpoints.Connec = s.cfg.PublicURL
			opts = append(opts, hub.WithDataSharing(hubconnec.New(s.Connec)))
		}
		if s.Nex != nil {
			opts = append(opts, hub.WithProvisioner(hubnex.New(s.Nex)))
		}
		opts = append(opts, hub.WithEndpoints(endpoints))
		engine := hub.New(st, s.IDM, hubidm.New(s.IDM), opts...)
		s.Hub = engine
		s.Go(engine.Run)
	}
	s.health.checks["hub"] = s.Hub.Ready
	opts := []hubhttp.Option{hubhttp.WithLogger(s.log), hubhttp.WithMaxBody(min(s.cfg.MaxBody, maxForm)), hubhttp.WithLoginURL("/login")}
	if strings.HasPrefix(s.cfg.PublicURL, "https://") {
		opts = append(opts, hubhttp.WithSecureCookies())
	}
	s.door.routes.add("hub", hubhttp.NewHandler(s.Hub, opts...), "/api/mnoe/", "/mnoe/", "/hub/")
	return nil
}

func (s *Server) composeImpac(ctx context.Context) error {
	switch {
	case s.cfg.Impac == Off:
		return nil
	case s.cfg.Impac.Remote():
		s.Impac = impachttp.NewClient(string(s.cfg.Impac), remote(), impachttp.WithCredential(s.as("svc-impac")))
	default:
		st, err := store(ctx, s.storage, s.cfg.AutoMigrate, "impac", fallible(impacsql.New))
		if err != nil {
			return err
		}
		s.Impac = impac.New(st, impacconnec.New(s.Connec), s.IDM, impac.WithLogger(s.log))
	}
	s.health.checks["impac"] = s.Impac.Ready
	opts := []impachttp.Option{impachttp.WithLogger(s.log), impachttp.WithMaxBody(min(s.cfg.MaxBody, maxForm))}
	if s.Hub != nil {
		opts = append(opts, impachttp.WithOrganizations(organizations{s.Hub}))
	}
	s.door.routes.add("impac", impachttp.NewHandler(s.Impac, opts...), "/impac/api/", "/mnoe/jpi/v1/impac/")
	return nil
}
