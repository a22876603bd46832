package refserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/nex"
)

// Server is the subsystems put together. Make one with New, serve with Run, and call Close when Run wasn't called.
type Server struct {
	// The subsystems, wherever they run; nil when off.
	IDM    idm.Service
	Hub    hub.Service
	Nex    nex.Service
	Connec connec.Service
	Impac  impac.Service

	cfg     Config
	log     *slog.Logger
	secret  []byte
	storage *storage
	metrics *prometheus.Registry
	health  *health
	door    *frontDoor
	// apps is the router of hosted apps around the front door.
	apps    func(http.Handler) http.Handler
	runners []func(context.Context) error
	// stopApps ends the hosted apps when the server ends; see StopAppsOnExit.
	stopApps func(context.Context) error
	stop     bool
	closers  []func() error
	// unlock gives the data folder free for another server.
	unlock func() error
}

// Option changes how New makes a Server.
type Option func(*options)

type options struct {
	beside bool
}

// Beside makes a server that may use a data folder which another server has locked: for a short piece of work while that one runs. Run
// must not be called.
func Beside() Option { return func(o *options) { o.beside = true } }

// New opens the databases and puts the subsystems together. Nothing runs and nothing is served before Run. A data folder that holds
// databases or hosted apps is the server's own until Close: New fails when another server uses it.
func New(ctx context.Context, cfg Config, log *slog.Logger, opts ...Option) (*Server, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	unlock := func() error { return nil }
	if cfg.usesFolder() && !o.beside {
		var err error
		if unlock, err = lockFolder(cfg.DataDir); err != nil {
			return nil, err
		}
	}
	st, err := openStorage(&cfg)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	s := &Server{
		cfg: cfg, log: log, storage: st, unlock: unlock,
		metrics: prometheus.NewRegistry(),
		health:  &health{checks: map[string]func(context.Context) error{}},
		apps:    func(h http.Handler) http.Handler { return h },
	}
	if s.secret, err = s.cfg.keys(); err == nil {
		err = s.compose(ctx)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Config is the configuration with all defaults filled in.
func (s *Server) Config() Config { return s.cfg }

// StopAppsOnExit makes Run end the hosted apps when it ends. Without it they go on serving, and the next server takes them over.
func (s *Server) StopAppsOnExit() { s.stop = true }

// Handle serves h below prefix ("/demo/") beside the subsystems. Call it before Run.
func (s *Server) Handle(name, prefix string, h http.Handler) { s.door.routes.add(name, h, prefix) }

// Go adds something that runs as long as the server does. Call it before Run.
func (s *Server) Go(run func(context.Context) error) { s.runners = append(s.runners, run) }

// Close closes the databases and gives the data folder free. Run does so itself.
func (s *Server) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	return errors.Join(append(errs, s.storage.close(), s.unlock())...)
}

// Run serves on l, or on the configured address when l is nil, until ctx ends. Then it stops taking requests, lets those
// under way end, stops the workers and closes the databases. What was accepted is stored; what was not delivered yet is delivered by
// the next server.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	defer func() { _ = s.Close() }()
	if l == nil {
		var err error
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	workers, work := errgroup.WithContext(work)
	for _, run := range s.runners {
		workers.Go(func() error {
			if err := run(work); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		})
	}
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	admin, err := s.admin(ctx)
	if err != nil {
		_ = l.Close()
		return err
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	s.log.InfoContext(ctx, "serving", slog.String("address", l.Addr().String()), slog.String("public_url", s.cfg.PublicURL))

	var cause error
	select {
	case <-ctx.Done():
	case <-work.Done(): // a worker failed
	case cause = <-served:
	}
	s.log.InfoContext(ctx, "stopping")
	s.health.draining.Store(true)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		s.log.WarnContext(ctx, "requests cut off", slog.Any("error", err))
		_ = srv.Close()
	}
	if admin != nil {
		_ = admin.Close()
	}
	stopWork()
	workErr := workers.Wait()
	if s.stop && s.stopApps != nil {
		if err := s.stopApps(end); err != nil {
			s.log.WarnContext(ctx, "stop hosted apps", slog.Any("error", err))
		}
	}
	if errors.Is(cause, http.ErrServerClosed) {
		cause = nil
	}
	return errors.Join(cause, workErr)
}

// Handler serves everything.
func (s *Server) Handler() http.Handler { return freshDeadlines(s.apps(requestID(s.door))) }

// admin serves pprof, on a loopback address only.
func (s *Server) admin(ctx context.Context) (*http.Server, error) {
	if s.cfg.AdminListen == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("admin listen: %w", err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		_ = l.Close()
		return nil, fmt.Errorf("--admin-listen %s is not a loopback address", s.cfg.AdminListen)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	return srv, nil
}
