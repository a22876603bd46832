package refserver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubhttp"
	"github.com/ensemble-platform/ensemble/internal/localname"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexhttp"
)

// binary is the real program, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ensemble-e2e")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ensemble")
	build := exec.Command("go", "build", "-o", binary, "./cmd/ensemble")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = pgtest.Main(m)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is one server.
type process struct {
	t    *testing.T
	args []string
	url  string
	cmd  *exec.Cmd
	log  *logBuffer
}

// logBuffer keeps what a server writes, for when a test fails.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// serve starts `ensemble serve` and waits until it is ready. The test's end stops it, gracefully, and checks that it went well.
func serve(t *testing.T, addr string, args ...string) *process {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	p := &process{
		t: t, url: "http://localhost:" + port, log: &logBuffer{},
		args: append([]string{"serve", "--listen", addr, "--allow-private-webhooks", "--log-format", "text", "--log-level", "warn"}, args...),
	}
	p.start()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.stop()
		}
		if t.Failed() {
			t.Logf("log of %v:\n%s", p.args, tail(p.log.String(), 12000))
		}
	})
	return p
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(binary, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(p.t, p.cmd.Start())
	require.Eventually(p.t, func() bool {
		resp, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 60*time.Second, 20*time.Millisecond, "not ready: %v", p.args)
}

func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(p.t, p.cmd.Wait(), "a graceful end")
}

func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

// command runs another command of the program and returns what it printed.
func command(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	require.NoError(t, err, "%v: %s", args, errOut.String())
	return string(out)
}

// platform is a running platform with people and organizations in it, however many processes it has.
type platform struct {
	t *testing.T
	// url is the one address that everything is reached at.
	url string
	// hub is the process that the address belongs to.
	hub *process
	// userArgs are the flags that point `user add` at the hub's and idm's databases.
	userArgs []string

	ada, dan   person
	org1, org2 string
}

type person struct {
	email, token string
	ctx          context.Context
}

const password = "correct horse battery staple"

// people adds Ada, who operates the platform and owns the first organization, and Dan, who owns the second.
func (p *platform) people() {
	add := func(email, organization string, extra ...string) string {
		out := command(p.t, []string{"ENSEMBLE_PASSWORD=" + password}, append(append([]string{"user", "add", email, "--organization", organization, "--name", strings.ToUpper(email[:1]) + email[1:3], "--surname", "Byrne"}, extra...), p.userArgs...)...)
		for l := range strings.Lines(out) {
			if f := strings.Fields(l); f[0] == "organization" {
				return f[1]
			}
		}
		p.t.Fatalf("no organization in %q", out)
		return ""
	}
	p.org1 = add("ada@harbour.example", "Harbour Coffee", "--operator", "--currency", "EUR")
	p.org2 = add("dan@alder.example", "Alder Cycles")
	p.ada, p.dan = p.login("ada@harbour.example"), p.login("dan@alder.example")
}

func (p *platform) hubClient() *hubhttp.Client { return hubhttp.NewClient(p.url, http.DefaultClient) }

func (p *platform) connecClient() *connechttp.Client {
	return connechttp.NewClient(p.url, http.DefaultClient)
}

func (p *platform) login(email string) person {
	s, err := p.hubClient().Login(p.t.Context(), email, password)
	require.NoError(p.t, err)
	return person{email, s.Token, authz.WithCredential(p.t.Context(), authz.SessionToken(s.Token))}
}

// app is an app of the marketplace whose webhooks the test receives.
type app struct {
	*hub.App
	key  string
	hook *receiver
}

// publish puts an app into the marketplace, with a receiver of its webhooks if it isn't hosted.
func (p *platform) publish(a hub.App) *app {
	out := &app{}
	if a.Stack != hub.Cube {
		out.hook = newReceiver(p.t)
		a.Host, a.NotificationPath = out.hook.server.URL, "/maestrano/connec/notifications"
	}
	a.Active = true
	var err error
	out.App, out.key, err = p.hubClient().PutApp(p.ada.ctx, a)
	require.NoError(p.t, err)
	require.Equal(p.t, a.Stack != hub.Cube, out.key != "", "hosted apps have a key for each instance")
	return out
}

// publishHosted puts the example app into the marketplace and its template into nex.
func (p *platform) publishHosted() *app {
	require.NoError(p.t, nexhttp.NewClient(p.url, http.DefaultClient).PutTemplate(p.ada.ctx, nex.Template{
		Name: "quotes", Version: "1", Command: []string{binary, "hosted-app"}, HealthPath: "/healthz",
	}))
	return p.publish(hub.App{
		NID: "quotes", Name: "Quotes", Stack: hub.Cube, SSOInitPath: "/maestrano/auth/oidc/init", NotificationPath: "/maestrano/connec/notifications",
	})
}

// add adds an app to the first organization and waits until it runs.
func (p *platform) add(nid string) *hub.AppInstance {
	p.t.Helper()
	inst, err := p.hubClient().AddApp(p.ada.ctx, p.org1, nid)
	require.NoError(p.t, err)
	require.Eventually(p.t, func() bool {
		inst, err = p.hubClient().GetAppInstance(p.ada.ctx, inst.ID)
		require.NoError(p.t, err)
		return inst.Status == hub.Running
	}, 60*time.Second, 50*time.Millisecond, "%s doesn't come up", nid)
	return inst
}

// as is a context with the app's own credential.
func (a *app) as(t *testing.T) context.Context {
	return authz.WithCredential(t.Context(), authz.Key(a.ID, a.key))
}

// receiver takes webhooks and remembers them.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	hooks  []hook
	// fail makes it refuse every second webhook.
	fail bool
	n    int
}

type hook struct {
	id, user, key string
	body          map[string][]map[string]any
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body map[string][]map[string]any
		b, err := io.ReadAll(req.Body)
		if err == nil {
			err = json.Unmarshal(b, &body)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.n++; err != nil || r.fail && r.n%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		user, key, _ := req.BasicAuth()
		r.hooks = append(r.hooks, hook{req.Header.Get("Webhook-Id"), user, key, body})
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) all() []hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hook(nil), r.hooks...)
}

// find returns the first webhook with a record of the collection whose attribute has the value.
func (r *receiver) find(collection, attribute string, value any) map[string]any {
	for _, h := range r.all() {
		for _, rec := range h.body[collection] {
			if rec[attribute] == value {
				return rec
			}
		}
	}
	return nil
}

// browser is an HTTP client as a browser would be: with cookies, and with every name below localhost on this machine.
func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.DialContext = localname.Dial((&net.Dialer{}).DialContext)
	return &http.Client{Jar: jar, Transport: tr, Timeout: 30 * time.Second}
}

// fetch reads a page.
func fetch(t *testing.T, c *http.Client, method, url, body string, head ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	resp, err := c.Do(req)
	require.NoError(t, err, "%s %s", method, url)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(bufio.NewReader(resp.Body))
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), into), "%s", text)
}
