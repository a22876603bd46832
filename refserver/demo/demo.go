// Package demo runs the reference server with a company in it that nobody has to make up: two organizations, four people,
// three apps, and two years of business.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/refserver"
)

// Options of a demo.
type Options struct {
	// Config is the server's; Listen and DataDir matter.
	Config refserver.Config
	// JSON is a file to write the demo's addresses and credentials to, once all is ready; empty for none.
	JSON string
	// Out gets what a person wants to read.
	Out io.Writer
	// Terminal says that Out is one, where progress can be drawn in place.
	Terminal bool
	Log      *slog.Logger
	// HostedApp is the command that runs the hosted app.
	HostedApp []string
}

// Password of every user of the demo.
const Password = "ensemble-demo-1"

type person struct {
	email, name, surname, role string
	operator                   bool
	organization               int
}

var people = []person{
	{"ada@harbour.example", "Ada", "Byrne", "Super Admin", true, 0},
	{"ben@harbour.example", "Ben", "Okafor", "Admin", false, 0},
	{"cleo@harbour.example", "Cleo", "Marsh", "Member", false, 0},
	{"dan@alder.example", "Dan", "Alder", "Super Admin", false, 1},
}

// state is what a demo keeps in its data folder so that the next one goes on with the same.
type state struct {
	Organizations []string          `json:"organizations"`
	Users         map[string]string `json:"users"` // ids by address
	Keys          map[string]string `json:"keys"`  // API keys of the apps by NID
	Seeded        map[string]bool   `json:"seeded"`
}

type runner struct {
	opts  Options
	srv   *refserver.Server
	apps  *apps
	state state
	file  string
	// platform is a context of the platform itself, for what no user does.
	platform context.Context
}

// Run serves the demo until ctx ends.
func Run(ctx context.Context, opts Options) error {
	if opts.JSON != "" && filepath.Clean(opts.JSON) == filepath.Join(opts.Config.DataDir, "demo.json") {
		return fmt.Errorf("%s is the demo's own; write the addresses to another file", opts.JSON)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", opts.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	opts.Config.Listen = l.Addr().String()
	opts.Config.AllowPrivateWebhooks = true
	srv, err := refserver.New(ctx, opts.Config, opts.Log)
	if err != nil {
		_ = l.Close()
		return err
	}
	opts.Config = srv.Config()
	srv.StopAppsOnExit()
	r := &runner{opts: opts, srv: srv, file: filepath.Join(opts.Config.DataDir, "demo.json"), platform: authz.WithCredential(ctx, authz.OnBehalfOf("svc-hub"))}
	r.apps = newApps(srv.Connec, srv.IDM)
	srv.Handle("demo", "/demo/", r.apps)

	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- srv.Run(serving, l) }()
	ready := make(chan error, 1)
	go func() { ready <- r.prepare() }()
	select {
	case err := <-done:
		return err
	case err := <-ready:
		if err != nil {
			stop()
			return errors.Join(ignoreCancelled(ctx, err), <-done)
		}
	}
	return <-done
}

func ignoreCancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("prepare the demo: %w", err)
}

func (r *runner) say(format string, args ...any) { _, _ = fmt.Fprintf(r.opts.Out, format, args...) }

// prepare makes what isn't there yet, and tells where it is.
func (r *runner) prepare() error {
	if err := r.load(); err != nil {
		return err
	}
	if err := r.users(); err != nil {
		return err
	}
	if err := r.organizations(); err != nil {
		return err
	}
	if err := r.marketplace(); err != nil {
		return err
	}
	instances, err := r.instances()
	if err != nil {
		return err
	}
	for i, p := range []profile{harbour, alder} {
		if err := r.seed(r.state.Organizations[i], p, instances); err != nil {
			return err
		}
	}
	instances, hosted := r.hosted(instances)
	return r.tell(instances, hosted)
}

func (r *runner) load() error {
	r.state = state{Users: map[string]string{}, Keys: map[string]string{}, Seeded: map[string]bool{}}
	b, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &r.state); err != nil {
		return fmt.Errorf("%s: %w", r.file, err)
	}
	return nil
}

func (r *runner) save() error {
	b, err := json.MarshalIndent(r.state, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(r.file, b)
}

// replaceFile writes a file that only its owner reads, as a whole or not at all.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new")
	if err != nil {
		return err
	}
	_, werr := f.Write(append(b, '\n'))
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), path)
}

func (r *runner) users() error {
	for _, p := range people {
		if r.state.Users[p.email] != "" {
			continue
		}
		u, err := r.srv.Hub.CreateUser(r.platform, hub.User{Email: p.email, Name: p.name, Surname: p.surname, Operator: p.operator}, Password)
		if err != nil {
			return fmt.Errorf("user %s: %w", p.email, err)
		}
		r.state.Users[p.email] = u.ID
		if err := r.save(); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) organizations() error {
	for i, p := range []profile{harbour, alder} {
		if len(r.state.Organizations) <= i {
			o, err := r.srv.Hub.CreateOrganization(r.platform, hub.Organization{Name: p.name, Currency: p.currency, FinancialYearEndMonth: 12})
			if err != nil {
				return fmt.Errorf("organization %s: %w", p.name, err)
			}
			r.state.Organizations = append(r.state.Organizations, o.ID)
			if err := r.save(); err != nil {
				return err
			}
		}
		for _, u := range people {
			if u.organization != i {
				continue
			}
			if _, err := r.srv.Hub.PutMember(r.platform, r.state.Organizations[i], r.state.Users[u.email], u.role); err != nil {
				return fmt.Errorf("member %s: %w", u.email, err)
			}
		}
	}
	return nil
}

// marketplace publishes the three apps. Two of them are part of this server; see apps.
func (r *runner) marketplace() error {
	base := r.srv.Config().PublicURL
	for _, a := range []hub.App{
		{
			NID: "crm", Name: "Anchor CRM", TinyDescription: "Customers and contacts", Stack: hub.Cloud, Categories: []string{"Sales", "CRM"},
			Description: "Keeps your customers and the people you talk to. What you change here reaches your other apps at once, and what they change reaches you.",
			Logo:        logo("A", "#0f766e"), Host: base + "/demo/crm", SSOInitPath: "/", NotificationPath: "/maestrano/connec/notifications", Active: true,
		},
		{
			NID: "books", Name: "Tally Books", TinyDescription: "Invoices, payments and ledger", Stack: hub.Cloud, Categories: []string{"Accounting"},
			Description: "Invoices, payments, employees and a double-entry ledger. New customers arrive from your CRM by themselves.",
			Logo:        logo("T", "#4338ca"), Host: base + "/demo/books", SSOInitPath: "/", NotificationPath: "/maestrano/connec/notifications", Active: true,
		},
		{
			NID: "quotes", Name: "Quotes", TinyDescription: "Quotes that become invoices, hosted for you", Stack: hub.Cube, Categories: []string{"Productivity", "Sales"},
			Description: "A small team app that runs on this platform: your own copy, started when you add it, under its own address. You are signed in when you open it.",
			Logo:        logo("Q", "#b45309"), SSOInitPath: "/maestrano/auth/oidc/init", NotificationPath: "/maestrano/connec/notifications", Active: true,
		},
	} {
		app, key, err := r.srv.Hub.PutApp(r.platform, a)
		if err != nil {
			return fmt.Errorf("app %s: %w", a.NID, err)
		}
		if key != "" {
			r.state.Keys[a.NID] = key
			if err := r.save(); err != nil {
				return err
			}
		}
		r.apps.register(app, r.state.Keys[a.NID])
	}
	if len(r.opts.HostedApp) == 0 {
		return nil
	}
	return r.srv.Nex.PutTemplate(r.platform, nex.Template{Name: "quotes", Version: "1", Command: r.opts.HostedApp, HealthPath: "/healthz"})
}

func logo(letter, colour string) string {
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill=%q/><text x="32" y="44" font-family="system-ui,sans-serif" font-size="34" font-weight="700" fill="#fff" text-anchor="middle">%s</text></svg>`, colour, letter)
	return "data:image/svg+xml;utf8," + percent(svg)
}

// percent encodes what may not stand in a data URL.
func percent(s string) string {
	out := make([]byte, 0, len(s)*2)
	for i := range len(s) {
		switch c := s[i]; c {
		case '<', '>', '"', '#', '%', ' ', '{', '}':
			out = fmt.Appendf(out, "%%%02X", c)
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// instances adds the apps: all three to the first organization, the cloud apps to the second.
func (r *runner) instances() ([]*hub.AppInstance, error) {
	for i, nids := range [][]string{{"crm", "books", "quotes"}, {"crm", "books"}} {
		have, err := r.srv.Hub.ListAppInstances(r.platform, r.state.Organizations[i])
		if err != nil {
			return nil, err
		}
		for _, nid := range nids {
			if nid == "quotes" && len(r.opts.HostedApp) == 0 || r.removed(i, nid) || has(have, nid) {
				continue
			}
			if _, err := r.srv.Hub.AddApp(r.platform, r.state.Organizations[i], nid); err != nil {
				return nil, fmt.Errorf("add %s: %w", nid, err)
			}
		}
	}
	return r.await(func(a *hub.AppInstance) bool { return a.App.Stack == hub.Cube || a.Status == hub.Running })
}

// removed reports whether the user took an app of the demo away, which it then leaves be.
func (r *runner) removed(organization int, nid string) bool {
	return r.state.Seeded[r.state.Organizations[organization]] && nid == "quotes"
}

func has(list []*hub.AppInstance, nid string) bool {
	for _, a := range list {
		if a.App.NID == nid {
			return true
		}
	}
	return false
}

// await asks until every instance is ready, for a minute at most.
func (r *runner) await(ready func(*hub.AppInstance) bool) ([]*hub.AppInstance, error) {
	ctx, cancel := context.WithTimeout(r.platform, time.Minute)
	defer cancel()
	for {
		var all []*hub.AppInstance
		waiting := ""
		for _, org := range r.state.Organizations {
			list, err := r.srv.Hub.ListAppInstances(ctx, org)
			if err != nil {
				return nil, err
			}
			for _, a := range list {
				if !ready(a) {
					waiting = fmt.Sprintf("%s is %s (%s) %v", a.App.Name, a.Status, a.Step, a.Errors)
				}
			}
			all = append(all, list...)
		}
		if waiting == "" {
			return all, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s", waiting)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// seed imports a company as its apps would: each writes what is its own.
func (r *runner) seed(organization string, p profile, instances []*hub.AppInstance) error {
	if r.state.Seeded[organization] {
		return nil
	}
	data := generate(p, time.Now().UTC())
	total, done := len(data.crm)+len(data.books), 0
	for _, part := range []struct {
		nid string
		ops []connec.Op
	}{{"crm", data.crm}, {"books", data.books}} {
		inst := find(instances, organization, part.nid)
		if inst == nil {
			return fmt.Errorf("%s has no %s", p.name, part.nid)
		}
		ctx := authz.WithCredential(r.platform, authz.Key(inst.App.ID, r.state.Keys[part.nid]))
		for len(part.ops) > 0 {
			n := min(200, len(part.ops))
			ops := part.ops[:n]
			part.ops = part.ops[n:]
			for i := range ops {
				ops[i].Group = inst.ID
			}
			results, err := r.srv.Connec.Batch(ctx, ops)
			if err != nil {
				return fmt.Errorf("import %s: %w", p.name, err)
			}
			for i, res := range results {
				if res.Err != nil {
					return fmt.Errorf("import %s: %s %s: %w", p.name, ops[i].Collection, ops[i].ExternalIDs[0].ID, res.Err)
				}
			}
			done += n
			if r.opts.Terminal {
				r.say("\r  %-26s %5d of %d records", p.name, done, total)
			}
		}
	}
	if r.opts.Terminal {
		r.say("\n")
	} else {
		r.say("  %-26s %5d records\n", p.name, total)
	}
	r.state.Seeded[organization] = true
	return r.save()
}

func find(list []*hub.AppInstance, organization, nid string) *hub.AppInstance {
	for _, a := range list {
		if a.OrganizationID == organization && a.App.NID == nid {
			return a
		}
	}
	return nil
}

// hosted waits for the hosted app. The demo goes on without it, and says so, if it doesn't come up.
func (r *runner) hosted(instances []*hub.AppInstance) ([]*hub.AppInstance, []hostedApp) {
	if now, err := r.await(func(a *hub.AppInstance) bool { return a.Status == hub.Running || len(a.Errors) > 2 }); err == nil {
		instances = now
	}
	out := []hostedApp{}
	for _, a := range instances {
		if a.App.Stack == hub.Cube {
			out = append(out, hostedApp{URL: a.URL, Status: string(a.Status), name: a.App.Name})
		}
	}
	return instances, out
}
