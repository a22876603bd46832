package demo

import (
	"cmp"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// apps are the demo's two cloud apps, Anchor CRM and Tally Books: what somebody else's service would be, reduced to what shows that
// data flows. Each takes Connec's webhooks and shows the last ones, and lets the user add a customer, which the other then receives.
// They keep nothing: after a restart they wait for news.
type apps struct {
	connec connec.Service
	judge  authz.Authorizer
	mux    *http.ServeMux

	mu    sync.Mutex
	known map[string]*cloudApp // by NID
}

type cloudApp struct {
	app *hub.App
	key string
	// received is what each group was told, newest first, at most keepReceived.
	received map[string][]received
}

type received struct {
	At         time.Time
	Collection string
	Label      string
	ID         string
}

const (
	keepReceived = 15
	keepGroups   = 1000
)

//go:embed app.html
var appHTML string

//go:embed app.css
var appCSS []byte

var appPage = template.Must(template.New("app").Parse(appHTML))

func newApps(c connec.Service, judge authz.Authorizer) *apps {
	a := &apps{connec: c, judge: judge, known: map[string]*cloudApp{}, mux: http.NewServeMux()}
	a.mux.HandleFunc("POST /demo/{nid}/maestrano/connec/notifications", a.notify)
	a.mux.HandleFunc("DELETE /demo/{nid}/maestrano/account/groups/{group}", a.forget)
	a.mux.HandleFunc("GET /demo/app.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(appCSS)
	})
	a.mux.HandleFunc("GET /demo/{nid}/{$}", a.show)
	a.mux.Handle("POST /demo/{nid}/customers", http.NewCrossOriginProtection().Handler(http.HandlerFunc(a.create)))
	return a
}

func (a *apps) register(app *hub.App, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[app.NID] = &cloudApp{app: app, key: key, received: map[string][]received{}}
}

func (a *apps) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *apps) find(r *http.Request) *cloudApp {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[r.PathValue("nid")]
}

// own reports whether the request carries the app's own credential, as the platform's calls do.
func (c *cloudApp) own(r *http.Request) bool {
	user, pass, ok := r.BasicAuth()
	return ok && c.key != "" && subtle.ConstantTimeCompare([]byte(user+":"+pass), []byte(c.app.ID+":"+c.key)) == 1
}

func (a *apps) notify(w http.ResponseWriter, r *http.Request) {
	c := a.find(r)
	if c == nil || !c.own(r) {
		http.Error(w, "not the app's credential", http.StatusUnauthorized)
		return
	}
	var body map[string][]map[string]any
	if err := httpx.ReadJSON(r.Body, &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for collection, records := range body {
		for _, rec := range records {
			group, _ := rec["group_id"].(string)
			if _, ok := c.received[group]; !ok && len(c.received) >= keepGroups {
				continue
			}
			list := slices.Insert(c.received[group], 0, received{At: time.Now().UTC(), Collection: collection, Label: label(rec), ID: fmt.Sprint(rec["id"])})
			c.received[group] = list[:min(len(list), keepReceived)]
		}
	}
	w.WriteHeader(http.StatusOK)
}

// label is what a person calls a record.
func label(rec map[string]any) string {
	text := func(k string) string { s, _ := rec[k].(string); return s }
	for _, k := range []string{"transaction_number", "payment_reference", "name", "full_name"} {
		if s := text(k); s != "" {
			return s
		}
	}
	return cmp.Or(strings.TrimSpace(text("first_name")+" "+text("last_name")), text("description"), text("code"))
}

func (a *apps) forget(w http.ResponseWriter, r *http.Request) {
	c := a.find(r)
	if c == nil || !c.own(r) {
		http.Error(w, "not the app's credential", http.StatusUnauthorized)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(c.received, r.PathValue("group"))
	httpx.WriteJSON(w, http.StatusOK, map[string]bool{"success": true})
}

// enter judges whether the visitor may use this group of this app. The apps are on the console's origin, so its cookie says who it is.
func (a *apps) enter(w http.ResponseWriter, r *http.Request) (*cloudApp, string, bool) {
	c, group := a.find(r), r.FormValue("group_id")
	if c == nil {
		http.NotFound(w, r)
		return nil, "", false
	}
	d, err := authz.Require(r.Context(), a.judge, authz.Access, authz.AppInstance, group)
	switch {
	case err == nil && d.Group == group:
		return c, group, true
	case authz.CredentialFrom(r.Context()).IsZero():
		http.Redirect(w, r, "/login?return_to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	default:
		http.Error(w, "You have no access to this app.", http.StatusForbidden)
	}
	return nil, "", false
}

type appView struct {
	App       *hub.App
	Colour    string
	Other     string
	Group     string
	User      string
	Customers []string
	Received  []received
	Error     string
	Added     string
}

func (a *apps) show(w http.ResponseWriter, r *http.Request) {
	c, group, ok := a.enter(w, r)
	if !ok {
		return
	}
	a.render(w, r, c, group, "", http.StatusOK)
}

func (a *apps) render(w http.ResponseWriter, r *http.Request, c *cloudApp, group, failure string, status int) {
	v := appView{App: c.app, Colour: "teal", Other: "Tally Books", Group: group, Error: failure, Added: r.URL.Query().Get("added")}
	if c.app.NID == "books" {
		v.Colour, v.Other = "indigo", "Anchor CRM"
	}
	if d, err := a.judge.Authorize(r.Context(), authz.Request{Credential: authz.CredentialFrom(r.Context()), Action: authz.Access, Resource: authz.Resource{Type: authz.AppInstance, ID: group}}); err == nil {
		v.User = d.Principal.Name
	}
	// As an app would: with its own key, not the visitor's session.
	ctx := authz.WithCredential(r.Context(), authz.Key(c.app.ID, c.key))
	page, err := a.connec.List(ctx, group, "organizations", connec.Query{Filter: "is_customer eq true", OrderBy: "created_at desc", Top: 8})
	switch {
	case err != nil:
		v.Error = "Customers can't be read just now."
	default:
		for _, o := range page.Resources {
			v.Customers = append(v.Customers, fmt.Sprint(o.Attributes["name"]))
		}
	}
	a.mu.Lock()
	v.Received = slices.Clone(c.received[group])
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_ = appPage.Execute(w, v)
}

func (a *apps) create(w http.ResponseWriter, r *http.Request) {
	c, group, ok := a.enter(w, r)
	if !ok {
		return
	}
	name := strings.TrimSpace(r.PostFormValue("name"))
	if name == "" || len(name) > 200 {
		a.render(w, r, c, group, "A customer needs a name of at most 200 characters.", http.StatusUnprocessableEntity)
		return
	}
	ctx := authz.WithCredential(r.Context(), authz.Key(c.app.ID, c.key))
	_, _, err := a.connec.Create(ctx, group, "organizations", map[string]any{"name": name, "is_customer": true}, connec.WriteOptions{
		ExternalIDs: connec.IDSet{{ID: id.UUID(), Provider: c.app.NID, Realm: "demo"}},
	})
	if err != nil {
		a.render(w, r, c, group, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	http.Redirect(w, r, "/demo/"+c.app.NID+"/?"+url.Values{"group_id": {group}, "added": {name}}.Encode(), http.StatusSeeOther)
}
