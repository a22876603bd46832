package nextest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
)

// NewEngine makes an engine that runs until the test ends, over s, a backend in memory that knows the program "app", and
// [Authorizer]. It is quick to give up and to try again.
func NewEngine(t *testing.T, s nex.Store, opts ...nex.Option) (*nex.Engine, *nexmem.Backend) {
	t.Helper()
	b := nexmem.NewBackend()
	b.Handle("app", Program)
	e := nex.New(s, b, Authorizer(), append([]nex.Option{
		nex.WithRestarts(nex.RestartPolicy{Initial: 5 * time.Millisecond, Max: 50 * time.Millisecond}),
		nex.WithHealth(nex.HealthPolicy{StartTimeout: 200 * time.Millisecond}),
		nex.WithDrain(100 * time.Millisecond),
		nex.WithKey(make([]byte, 32)),
	}, opts...)...)
	t.Cleanup(func() { require.NoError(t, b.Close()) }) // after the engine, which would start again what ends
	RunEngine(t, e)
	return e, b
}

// RunEngine runs e until the test ends or stop is called.
func RunEngine(t *testing.T, e *nex.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// Await waits until an app has a status.
func Await(t *testing.T, s nex.Service, uid string, want nex.Status) *nex.App {
	t.Helper()
	ctx := authz.WithCredential(t.Context(), Operator)
	late := time.After(soon)
	for {
		a, err := s.GetApp(ctx, uid)
		require.NoError(t, err)
		if a.Status == want {
			return a
		}
		select {
		case <-late:
			require.FailNow(t, "the app doesn't become what it should", "%s is %s and not %s: %q", uid, a.Status, want, a.Errors)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// TestService proves that a nex.Service behaves as it should, wherever it is. open returns an empty Store, and place what is
// to be tested, made of the given service: that itself, or a client of a handler over it.
func TestService(t *testing.T, open func(t *testing.T) nex.Store, place func(t *testing.T, s nex.Service) nex.Service) {
	h := serviceHarness{open: open, place: place}
	t.Run("Templates", h.templates)
	t.Run("Lifecycle", h.lifecycle)
	t.Run("CreateAgain", h.createAgain)
	t.Run("Configure", h.configure)
	t.Run("Invalid", h.invalid)
	t.Run("Access", h.access)
	t.Run("Trouble", h.trouble)
	t.Run("Logs", h.logs)
}

type serviceHarness struct {
	open  func(t *testing.T) nex.Store
	place func(t *testing.T, s nex.Service) nex.Service
}

func (h serviceHarness) service(t *testing.T) nex.Service {
	e, _ := NewEngine(t, h.open(t), nex.WithDomain("apps.example.com"))
	s := h.place(t, e)
	require.NoError(t, s.PutTemplate(as(t, Operator), nex.Template{Name: "notes", Command: []string{"app"}, HealthPath: "/healthz"}))
	return s
}

func as(t *testing.T, c authz.Credential) context.Context {
	return authz.WithCredential(t.Context(), c)
}

func (h serviceHarness) templates(t *testing.T) {
	s := h.service(t)
	require.NoError(t, s.Ready(t.Context()))
	want := nex.Template{
		Name: "crm", Version: "2.1", Command: []string{"app", "--name", strange}, Env: map[string]string{"MNO_SSO_ENABLED": "true", "TEXT": strange},
		HealthPath: "/up?deep=1", StopGrace: 1500 * time.Millisecond,
	}
	require.NoError(t, s.PutTemplate(as(t, Operator), want))
	list, err := s.ListTemplates(as(t, Operator))
	require.NoError(t, err)
	require.Equal(t, []*nex.Template{&want, {Name: "notes", Command: []string{"app"}, HealthPath: "/healthz"}}, list)
	want.Command, want.Env, want.Version = []string{"app"}, nil, "3"
	require.NoError(t, s.PutTemplate(as(t, Operator), want))
	list, err = s.ListTemplates(as(t, Operator))
	require.NoError(t, err)
	require.Equal(t, &want, list[0])
}

func (h serviceHarness) lifecycle(t *testing.T) {
	s, ctx := h.service(t), as(t, AdminA)
	began := time.Now().Add(-time.Second)
	a, err := s.CreateApp(ctx, nex.AppSpec{UID: "notes-1", Name: "Our notes", Organization: OrgA, Template: "notes", Env: map[string]string{"MNO_API_KEY": "k"}})
	require.NoError(t, err)
	require.Equal(t, "notes-1", a.UID)
	require.Equal(t, "Our notes", a.Name)
	require.Equal(t, OrgA, a.Organization)
	require.Equal(t, "notes", a.Template)
	require.Equal(t, nex.Provisioning, a.Status)
	require.Equal(t, nex.Running, a.NextStatus)
	require.Equal(t, "http://notes-1.apps.example.com", a.URL)
	require.WithinRange(t, a.CreatedAt, began, time.Now().Add(time.Second))
	for _, status := range []nex.Status{nex.Provisioning, nex.Starting, nex.Stopping, nex.Terminating} {
		require.Positive(t, a.Durations[status], status)
	}
	a = Await(t, s, "notes-1", nex.Running)
	require.Empty(t, a.NextStatus)
	require.Empty(t, a.Errors)
	require.WithinRange(t, a.StartedAt, began, time.Now().Add(time.Second))
	require.True(t, a.StoppedAt.IsZero())

	same, err := s.StartApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, nex.Running, same.Status)
	a, err = s.StopApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, nex.Stopping, a.Status)
	require.Equal(t, nex.Stopped, a.NextStatus)
	a = Await(t, s, "notes-1", nex.Stopped)
	require.Empty(t, a.NextStatus)
	require.False(t, a.StoppedAt.IsZero())
	_, err = s.StopApp(ctx, "notes-1")
	require.NoError(t, err)
	a, err = s.StartApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, nex.Starting, a.Status)
	before := Await(t, s, "notes-1", nex.Running)
	a, err = s.RestartApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, nex.Stopping, a.Status)
	require.Equal(t, nex.Running, a.NextStatus)
	a = Await(t, s, "notes-1", nex.Running)
	require.True(t, a.StartedAt.After(before.StartedAt))
	require.Zero(t, a.Restarts, "restarts on purpose don't count")

	list, err := s.ListApps(ctx, OrgA)
	require.NoError(t, err)
	require.Len(t, list, 1)
	list[0].Durations = a.Durations // the newest measurement may have come in meanwhile
	require.Equal(t, a, list[0])
	a, err = s.TerminateApp(ctx, "notes-1")
	require.NoError(t, err)
	require.Equal(t, nex.Terminating, a.Status)
	a = Await(t, s, "notes-1", nex.Terminated)
	require.False(t, a.TerminatedAt.IsZero())
	_, err = s.TerminateApp(ctx, "notes-1")
	require.NoError(t, err, "asking again is no error")
	for _, f := range []func(context.Context, string) (*nex.App, error){s.StartApp, s.StopApp, s.RestartApp} {
		_, err = f(ctx, "notes-1")
		require.ErrorIs(t, err, nex.ErrConflict)
	}
	list, err = s.ListApps(ctx, OrgA)
	require.NoError(t, err)
	require.Empty(t, list, "terminated apps aren't listed")
}

func (h serviceHarness) createAgain(t *testing.T) {
	s, ctx := h.service(t), as(t, AdminA)
	spec := nex.AppSpec{UID: "x", Name: "X", Organization: OrgA, Template: "notes", Env: map[string]string{"A": "1"}}
	first, err := s.CreateApp(ctx, spec)
	require.NoError(t, err)
	again, err := s.CreateApp(ctx, spec)
	require.NoError(t, err)
	require.Equal(t, first.CreatedAt, again.CreatedAt)
	other := spec
	other.Env = map[string]string{"A": "2"}
	_, err = s.CreateApp(ctx, other)
	require.ErrorIs(t, err, nex.ErrConflict)
	other = spec
	other.Organization = OrgB
	_, err = s.CreateApp(as(t, AdminB), other)
	require.ErrorIs(t, err, nex.ErrConflict, "another organization can't have the name")

	a, err := s.CreateApp(ctx, nex.AppSpec{Organization: OrgA, Template: "notes"})
	require.NoError(t, err)
	b, err := s.CreateApp(ctx, nex.AppSpec{Organization: OrgA, Template: "notes"})
	require.NoError(t, err)
	require.NotEmpty(t, a.UID)
	require.NotEqual(t, a.UID, b.UID)
	require.Equal(t, "notes", a.Name)

	_, err = s.TerminateApp(ctx, "x")
	require.NoError(t, err)
	Await(t, s, "x", nex.Terminated)
	_, err = s.CreateApp(ctx, spec)
	require.ErrorIs(t, err, nex.ErrConflict, "a uid is never used again")
}

func (h serviceHarness) configure(t *testing.T) {
	s, ctx := h.service(t), as(t, AdminA)
	_, err := s.ConfigureApp(ctx, "x", nil)
	require.ErrorIs(t, err, nex.ErrNotFound)
	_, err = s.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: OrgA, Template: "notes", Env: map[string]string{"A": "1"}})
	require.NoError(t, err)
	before := Await(t, s, "x", nex.Running)
	a, err := s.ConfigureApp(ctx, "x", map[string]string{"A": "1"})
	require.NoError(t, err)
	require.Equal(t, nex.Running, a.Status, "it has that environment already")

	a, err = s.ConfigureApp(ctx, "x", map[string]string{Unhealthy: "1"})
	require.NoError(t, err)
	require.Equal(t, nex.Stopping, a.Status)
	require.Equal(t, nex.Running, a.NextStatus)
	require.Eventually(t, func() bool {
		a, err := s.GetApp(ctx, "x")
		require.NoError(t, err)
		return a.Status == nex.Starting && len(a.Errors) > 0
	}, soon, 2*time.Millisecond, "the new environment takes effect")
	_, err = s.ConfigureApp(ctx, "x", nil)
	require.NoError(t, err, "also while it doesn't come up")
	a = Await(t, s, "x", nex.Running)
	require.True(t, a.StartedAt.After(before.StartedAt))
	require.Zero(t, a.Restarts)

	for cred, want := range map[authz.Credential]error{MemberA: authz.ErrDenied, AdminB: authz.ErrDenied, Stranger: authz.ErrUnauthenticated, {}: authz.ErrUnauthenticated} {
		_, err := s.ConfigureApp(as(t, cred), "x", map[string]string{"A": "2"})
		require.ErrorIs(t, err, want, cred)
	}
	_, err = s.ConfigureApp(ctx, "x", map[string]string{"PORT": "1"})
	requireField(t, err, "env.PORT")
	_, err = s.StopApp(ctx, "x")
	require.NoError(t, err)
	Await(t, s, "x", nex.Stopped)
	a, err = s.ConfigureApp(ctx, "x", map[string]string{"A": "3"})
	require.NoError(t, err)
	require.Equal(t, nex.Stopped, a.Status, "it isn't started by that")
	_, err = s.TerminateApp(ctx, "x")
	require.NoError(t, err)
	Await(t, s, "x", nex.Terminated)
	_, err = s.ConfigureApp(ctx, "x", nil)
	require.ErrorIs(t, err, nex.ErrConflict)
}

func (h serviceHarness) invalid(t *testing.T) {
	s := h.service(t)
	good := nex.AppSpec{UID: "x", Organization: OrgA, Template: "notes"}
	for path, spoil := range map[string]func(*nex.AppSpec){
		"uid":          func(a *nex.AppSpec) { a.UID = "Not a label" },
		"template":     func(a *nex.AppSpec) { a.Template = "missing" },
		"env.PORT":     func(a *nex.AppSpec) { a.Env = map[string]string{"PORT": "1"} },
		"env.NEX_ORG":  func(a *nex.AppSpec) { a.Env = map[string]string{"NEX_ORG": "org-b"} },
		"env.LD_DEBUG": func(a *nex.AppSpec) { a.Env = map[string]string{"LD_DEBUG": "all"} },
		"env":          func(a *nex.AppSpec) { a.Env = map[string]string{"A=B": "1"} },
	} {
		spec := good
		spoil(&spec)
		_, err := s.CreateApp(as(t, AdminA), spec)
		requireField(t, err, path)
	}
	for path, spoil := range map[string]func(*nex.Template){
		"name":        func(x *nex.Template) { x.Name = "a.b" },
		"command":     func(x *nex.Template) { x.Command = nil },
		"health_path": func(x *nex.Template) { x.HealthPath = "healthz" },
		"stop_grace":  func(x *nex.Template) { x.StopGrace = -time.Second },
		"env.PORT":    func(x *nex.Template) { x.Env = map[string]string{"PORT": "1"} },
	} {
		x := nex.Template{Name: "bad", Command: []string{"app"}}
		spoil(&x)
		requireField(t, s.PutTemplate(as(t, Operator), x), path)
	}
	_, err := s.Logs(as(t, AdminA), "x", 5001)
	require.ErrorIs(t, err, nex.ErrNotFound)
	_, err = s.CreateApp(as(t, AdminA), good)
	require.NoError(t, err)
	_, err = s.Logs(as(t, AdminA), "x", 5001)
	requireField(t, err, "tail")
}

func requireField(t *testing.T, err error, path string) {
	t.Helper()
	require.ErrorIs(t, err, nex.ErrInvalid)
	var v *nex.ValidationError
	require.ErrorAs(t, err, &v)
	require.Equal(t, path, v.Fields[0].Path)
	require.NotEmpty(t, v.Fields[0].Reason)
}

func (h serviceHarness) access(t *testing.T) {
	s := h.service(t)
	spec := nex.AppSpec{UID: "x", Organization: OrgA, Template: "notes"}
	for cred, want := range map[authz.Credential]error{MemberA: authz.ErrDenied, AdminB: authz.ErrDenied, Stranger: authz.ErrUnauthenticated, {}: authz.ErrUnauthenticated} {
		_, err := s.CreateApp(as(t, cred), spec)
		require.ErrorIs(t, err, want, cred)
	}
	_, err := s.CreateApp(as(t, AdminA), spec)
	require.NoError(t, err)
	Await(t, s, "x", nex.Running)
	_, err = s.CreateApp(as(t, AdminB), nex.AppSpec{UID: "y", Organization: OrgB, Template: "notes"})
	require.NoError(t, err)
	Await(t, s, "y", nex.Running)

	_, err = s.GetApp(as(t, MemberA), "x")
	require.NoError(t, err)
	_, err = s.GetApp(as(t, AdminB), "x")
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = s.GetApp(as(t, AdminB), "missing")
	require.ErrorIs(t, err, nex.ErrNotFound)
	_, err = s.GetApp(as(t, Stranger), "missing")
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "strangers don't learn what is there")
	for _, cred := range []authz.Credential{MemberA, AdminB} {
		for _, f := range []func(context.Context, string) (*nex.App, error){s.StartApp, s.StopApp, s.RestartApp, s.TerminateApp} {
			_, err = f(as(t, cred), "x")
			require.ErrorIs(t, err, authz.ErrDenied)
		}
		_, err = s.Logs(as(t, cred), "x", 0)
		require.ErrorIs(t, err, authz.ErrDenied)
		_, err = s.ListTemplates(as(t, cred))
		require.ErrorIs(t, err, authz.ErrDenied)
		require.ErrorIs(t, s.PutTemplate(as(t, cred), nex.Template{Name: "evil", Command: []string{"/bin/sh"}}), authz.ErrDenied)
	}
	Await(t, s, "x", nex.Running)

	_, err = s.ListApps(as(t, AdminB), OrgA)
	require.ErrorIs(t, err, authz.ErrDenied)
	for cred, want := range map[authz.Credential][]string{Operator: {"x", "y"}, AdminA: {"x"}, MemberA: {"x"}, AdminB: {"y"}} {
		list, err := s.ListApps(as(t, cred), "")
		require.NoError(t, err)
		uids := []string{}
		for _, a := range list {
			uids = append(uids, a.UID)
		}
		require.Equal(t, want, uids, cred)
	}
	for _, cred := range []authz.Credential{{}, Stranger} {
		_, err = s.ListApps(as(t, cred), "")
		require.ErrorIs(t, err, authz.ErrUnauthenticated)
	}
}

func (h serviceHarness) trouble(t *testing.T) {
	s, ctx := h.service(t), as(t, AdminA)
	require.NoError(t, s.PutTemplate(as(t, Operator), nex.Template{Name: "sick", Command: []string{"app"}, HealthPath: "/healthz", Env: map[string]string{Unhealthy: "1"}}))
	_, err := s.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: OrgA, Template: "sick"})
	require.NoError(t, err)
	for _, f := range []func(context.Context, string) (*nex.App, error){s.StopApp, s.RestartApp} {
		if _, err = f(ctx, "x"); err == nil {
			break // it had its first trouble already
		}
		require.ErrorIs(t, err, nex.ErrBusy)
	}
	var a *nex.App
	require.Eventually(t, func() bool {
		a, err = s.GetApp(ctx, "x")
		require.NoError(t, err)
		return len(a.Errors) > 0 && a.Restarts > 1
	}, soon, 2*time.Millisecond, "the reason is shown while it is tried again")
	require.Equal(t, nex.Starting, a.Status)
	require.Contains(t, a.Errors[len(a.Errors)-1], "500")

	// The template is mended, and taken up at the next start.
	require.NoError(t, s.PutTemplate(as(t, Operator), nex.Template{Name: "sick", Command: []string{"app"}, HealthPath: "/healthz"}))
	a = Await(t, s, "x", nex.Running)
	require.Empty(t, a.Errors, "success clears errors")
	require.Positive(t, a.Restarts)
}

func (h serviceHarness) logs(t *testing.T) {
	s, ctx := h.service(t), as(t, AdminA)
	_, err := s.CreateApp(ctx, nex.AppSpec{UID: "x", Organization: OrgA, Template: "notes"})
	require.NoError(t, err)
	Await(t, s, "x", nex.Running)
	require.Eventually(t, func() bool {
		lines, err := s.Logs(ctx, "x", 0)
		require.NoError(t, err)
		return len(lines) > 0 && lines[0].Stream == "nex" && lines[0].Text != "" && !lines[0].At.IsZero()
	}, soon, 2*time.Millisecond, "nex tells what it did")
	lines, err := s.Logs(ctx, "x", 1)
	require.NoError(t, err)
	require.Len(t, lines, 1)
}
