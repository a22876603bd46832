// Package app is Quotes, a small business app that shows what the platform does for one: Nex runs it, people sign in to it with their
// account of the platform, and it shares its data with the organization's other apps through Connec.
//
// It quotes prices to customers and turns accepted quotes into invoices. All of its data is in Connec, so that whatever another
// app adds or changes is here at once, and the other way round. It is one copy for one organization, and all that it knows
// of its surroundings comes from its environment: see [Config].
//
// It uses nothing of this module: an app in another language does the same with the same few requests.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// App is one running copy.
type App struct {
	cfg      Config
	log      *slog.Logger
	signIn   *signIn
	sessions *sessions
	connec   *connec
	inbox    *inbox
	mux      *http.ServeMux
}

// New makes an app. A nil log logs nowhere.
func New(cfg Config, log *slog.Logger) *App {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if cfg.RedirectPath == "" {
		cfg.RedirectPath = defaultRedirectPath
	}
	a := &App{
		cfg: cfg, log: log, sessions: newSessions(cfg.PublicURL), connec: newConnec(cfg), inbox: newInbox(cfg), mux: http.NewServeMux(),
	}
	a.signIn = newSignIn(cfg)
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	a.mux.HandleFunc("GET /style.css", serveStyle)
	a.mux.HandleFunc("GET /{$}", a.home)
	a.mux.HandleFunc("GET /maestrano/auth/oidc/init", a.beginSignIn)
	a.mux.HandleFunc("GET "+cfg.RedirectPath, a.endSignIn)
	a.mux.HandleFunc("POST /maestrano/connec/notifications", a.notified)
	a.mux.HandleFunc("DELETE /maestrano/account/groups/{group}", a.groupRemoved)
	a.mux.HandleFunc("DELETE /maestrano/account/groups/{group}/users/{user}", a.userRemoved)
	// Forms are for this app's own pages alone.
	own := http.NewCrossOriginProtection()
	for pattern, h := range map[string]http.HandlerFunc{
		"POST /sign-out":            a.signOut,
		"POST /customers":           a.addCustomer,
		"POST /quotes":              a.addQuote,
		"POST /quotes/{id}/accept":  a.acceptQuote,
		"POST /quotes/{id}/decline": a.declineQuote,
	} {
		a.mux.Handle(pattern, own.Handler(h))
	}
	return a
}

// ServeHTTP serves the app.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<20)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	a.mux.ServeHTTP(w, r)
}

// Run serves on l, or on cfg.Listen when l is nil, until ctx ends. Requests under way have a few seconds to end then.
func (a *App) Run(ctx context.Context, l net.Listener) error {
	if l == nil {
		var err error
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	srv := &http.Server{
		Handler: a, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	a.log.InfoContext(ctx, "serving", "address", l.Addr().String(), "url", a.cfg.PublicURL)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(wait); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// Main runs the app as a program with an environment in the form of os.Environ, until ctx ends. It logs to log.
func Main(ctx context.Context, environ []string, log io.Writer) error {
	cfg, err := FromEnv(environ)
	if err != nil {
		return err
	}
	return New(cfg, slog.New(slog.NewTextHandler(log, nil))).Run(ctx, nil)
}
