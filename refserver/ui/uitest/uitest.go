// Package uitest is a pretended platform for work on the console: the console's real handler in front of small, made-up answers of the
// subsystems' APIs. It keeps its state in memory and judges nothing but the session cookie.
//
//	go run ./refserver/ui/uitest/serve
//
// starts it for a browser; the console's own browser tests drive it.
package uitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/refserver/ui"
)

// The login that the platform knows.
const (
	Email    = "anna@acme.example"
	Password = "correct horse"
)

// Organizations: one with data, one without, one in which the user may not manage apps.
const (
	Acme  = "org-acme"
	Blank = "org-blank"
	Nord  = "org-nord"
)

var (
	errUnauthenticated = problem.Sentinel("unauthenticated", http.StatusUnauthorized, "Credential missing, wrong, expired or revoked")
	errCredentials     = problem.Sentinel("hub.credentials", http.StatusUnauthorized, "Wrong e-mail address or password")
	errDenied          = problem.Sentinel("denied", http.StatusForbidden, "Access denied")
	errConflict        = problem.Sentinel("hub.conflict", http.StatusConflict, "Already exists")
	errNotFound        = problem.Sentinel("not_found", http.StatusNotFound, "Not found")
	errFault           = problem.Sentinel("unavailable", http.StatusServiceUnavailable, "Not available")
)

const cookie = "ensemble_session"

type object = map[string]any

// Platform is the pretended platform, an http.Handler.
type Platform struct {
	handler http.Handler

	mu         sync.Mutex
	sessions   map[string]bool
	instances  []*instance
	dashboards []*dashboard
	next       int64
	faults     map[string]int
	records    map[string][]object // by collection, of Acme
	history    map[string][]object // by record
}

type instance struct {
	ID, UID, Org, NID, Name, Stack, Status, Step string
	Progress                                     int
	Errors                                       []string
}

// New makes a platform with a company's data.
func New() *Platform {
	p := &Platform{sessions: map[string]bool{}, faults: map[string]int{}, next: 100}
	p.records, p.history = companyData()
	p.instances = []*instance{
		{ID: "1", UID: "cld-crm", Org: Acme, NID: "crm", Name: "Contact Desk", Stack: "cloud", Status: "running"},
		{ID: "2", UID: "cld-books", Org: Acme, NID: "books", Name: "Ledger Bridge", Stack: "connector", Status: "running"},
	}
	mux := http.NewServeMux()
	p.hubRoutes(mux)
	p.connecRoutes(mux)
	p.impacRoutes(mux)
	mux.Handle("/", ui.NewHandler())
	p.handler = mux
	return p
}

// ServeHTTP answers like the reference server would.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	status := 0
	for prefix, s := range p.faults {
		if strings.HasPrefix(r.URL.Path, prefix) {
			status = s
		}
	}
	p.mu.Unlock()
	if status != 0 {
		problem.WriteProblem(w, problem.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: problem.Of(errFault).Code})
		return
	}
	p.handler.ServeHTTP(w, r)
}

// Fail answers every request below a path with a status, until the status is 0.
func (p *Platform) Fail(prefix string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if status == 0 {
		delete(p.faults, prefix)
	} else {
		p.faults[prefix] = status
	}
}

// EndSessions signs everybody out, as an expiry does.
func (p *Platform) EndSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.sessions)
}

func (p *Platform) signedIn(r *http.Request) bool {
	c, err := r.Cookie(cookie)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[c.Value]
}

// private lets only signed-in users through.
func (p *Platform) private(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.signedIn(r) {
			problem.Write(w, errUnauthenticated)
			return
		}
		f(w, r)
	}
}

func user(in bool) object {
	if !in {
		return object{"current_user": object{"logged_in": false}}
	}
	org := func(id int, uid, name, currency, role string) object {
		return object{"id": id, "uid": uid, "name": name, "currency": currency, "current_user_role": role}
	}
	return object{"current_user": object{
		"id": 7, "uid": "usr-anna", "name": "Anna", "surname": "Lindqvist", "email": Email, "logged_in": true,
		"organizations": []object{
			org(1, Acme, "Acme Outdoor GmbH", "EUR", "Super Admin"),
			org(2, Blank, "Fresh Start Ltd", "GBP", "Admin"),
			org(3, Nord, "Nordlicht Consulting", "EUR", "Member"),
		},
	}}
}

func (p *Platform) hubRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /mnoe/auth/users/sign_in", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			User struct{ Email, Password string }
		}
		if err := httpx.ReadJSON(r.Body, &body); err != nil || !strings.EqualFold(body.User.Email, Email) || body.User.Password != Password {
			problem.Write(w, errCredentials)
			return
		}
		p.mu.Lock()
		p.next++
		token := fmt.Sprintf("s%d", p.next)
		p.sessions[token] = true
		p.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		httpx.WriteJSON(w, http.StatusOK, user(true))
	})
	mux.HandleFunc("DELETE /mnoe/auth/users/sign_out", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie(cookie); err == nil {
			p.mu.Lock()
			delete(p.sessions, c.Value)
			p.mu.Unlock()
		}
		http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1})
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /mnoe/jpi/v1/current_user", func(w http.ResponseWriter, r *http.Request) {
		httpx.WriteJSON(w, http.StatusOK, user(p.signedIn(r)))
	})
	mux.HandleFunc("GET /mnoe/jpi/v1/marketplace", p.private(func(w http.ResponseWriter, _ *http.Request) {
		httpx.WriteJSON(w, http.StatusOK, object{"apps": apps()})
	}))
	mux.HandleFunc("GET /mnoe/jpi/v1/organizations/{org}/app_instances", p.private(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		list := []object{}
		for _, i := range p.instances {
			p.advance(i)
			if i.Org == r.PathValue("org") && i.Status != "terminated" {
				list = append(list, i.json())
			}
		}
		httpx.WriteJSON(w, http.StatusOK, object{"app_instances": list})
	}))
	mux.HandleFunc("POST /mnoe/jpi/v1/organizations/{org}/app_instances", p.private(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ NID string }
		if err := httpx.ReadJSON(r.Body, &body); err != nil || r.PathValue("org") == Nord {
			problem.Write(w, errDenied)
			return
		}
		for _, a := range apps() {
			if a["nid"] != body.NID {
				continue
			}
			p.mu.Lock()
			if slices.ContainsFunc(p.instances, func(i *instance) bool {
				return i.Org == r.PathValue("org") && i.NID == body.NID && i.Status != "terminated"
			}) {
				p.mu.Unlock()
				problem.Write(w, errConflict)
				return
			}
			p.next++
			i := &instance{ID: fmt.Sprint(p.next), UID: fmt.Sprintf("cld-%d", p.next), Org: r.PathValue("org"), NID: body.NID, Name: a["name"].(string), Stack: a["stack"].(string), Status: "provisioning", Step: "Waiting for its turn"}
			p.instances = append(p.instances, i)
			answer := i.json()
			p.mu.Unlock()
			httpx.WriteJSON(w, http.StatusCreated, object{"app_instance": answer})
			return
		}
		problem.Write(w, errNotFound)
	}))
	mux.HandleFunc("DELETE /mnoe/jpi/v1/app_instances/{id}", p.private(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, i := range p.instances {
			if i.UID == r.PathValue("id") || i.ID == r.PathValue("id") {
				i.Status, i.Progress, i.Step = "terminating", 0, "Ending access"
				httpx.WriteJSON(w, http.StatusOK, object{"app_instance": i.json()})
				return
			}
		}
		problem.Write(w, errNotFound)
	}))
	mux.HandleFunc("GET /mnoe/launch/{id}", p.private(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprintf(w, "This would be the app %s.", r.PathValue("id"))
	}))
}

// advance moves an operation on by one step each time that somebody looks.
func (p *Platform) advance(i *instance) {
	steps := []string{"Creating its credentials", "Fetching the app", "Starting the app", "Waiting for the app to answer", "Connecting its data"}
	switch i.Status {
	case "provisioning", "starting":
		i.Progress += 20
		i.Step = steps[min(i.Progress/20, len(steps))-1]
		if i.Progress >= 100 {
			i.Status, i.Progress, i.Step = "running", 0, ""
		}
	case "terminating":
		i.Progress += 50
		i.Step = "Stopping the app"
		if i.Progress >= 100 {
			i.Status = "terminated"
		}
	}
}

// Stall puts an instance into trouble in the middle of being set up, for pictures of it.
func (p *Platform) Stall(org, nid, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	p.instances = append(p.instances, &instance{
		ID: fmt.Sprint(p.next), UID: fmt.Sprintf("cld-%d", p.next), Org: org, NID: nid, Name: name, Stack: "cube", Status: "stalled",
		Progress: 60, Step: "Waiting for the app to answer",
		Errors: []string{"The app did not answer within 30 seconds after its start."},
	})
}

func (i *instance) json() object {
	status := i.Status
	if status == "stalled" {
		status = "starting"
	}
	o := object{
		"id": json.Number(i.ID), "uid": i.UID, "name": i.Name, "app_nid": i.NID, "stack": i.Stack, "status": status,
		"progress": i.Progress, "step": i.Step, "errors": i.Errors, "url": "http://" + i.UID + ".apps.example",
		"created_at": "2026-03-02T09:00:00Z",
	}
	if status == "running" {
		o["started_at"] = time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC)
	}
	return o
}
