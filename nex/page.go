package nex

import (
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page is what people see in place of an app.
type page struct {
	Code  string // for programs
	Title string
	Text  string
	// Retry is after how many seconds to come again; 0 is never.
	Retry int
	// Percent is the progress; 0 shows none.
	Percent int
}

// servePage answers for an app that can't take requests.
func (e *Engine) servePage(w http.ResponseWriter, r *http.Request, d door, rec *AppRecord) {
	switch d {
	case doorStopped:
		servePage(w, r, http.StatusServiceUnavailable, page{Code: "nex.stopped", Title: rec.Name + " is stopped", Text: "Somebody of your organization can start it again."})
	case doorGone:
		servePage(w, r, http.StatusGone, page{Code: "nex.terminated", Title: "This app is no longer here", Text: "It was removed by the organization that it belonged to."})
	case doorWaiting, doorOpen:
		p := page{Code: "nex.starting", Title: rec.Name + " is starting", Text: "This page opens the app as soon as it is ready.", Retry: 2}
		if len(rec.Errors) > 0 {
			p.Text = "It has trouble starting and is being tried again. This page opens the app as soon as it is ready."
			p.Retry = 5
		}
		p.Percent = e.percent(r, rec)
		servePage(w, r, http.StatusServiceUnavailable, p)
	}
}

// percent is how far an app has come in its status, from 5 to 95.
func (e *Engine) percent(r *http.Request, rec *AppRecord) int {
	var since time.Time
	switch rec.Status {
	case Provisioning:
		since = rec.CreatedAt
	case Starting:
		since = rec.StartedAt
	case Stopping:
		since = rec.StoppedAt
	default:
		return 5
	}
	usual, err := e.durations.of(r.Context(), e.store, rec.Template)
	if err != nil || usual[rec.Status] <= 0 {
		return 5
	}
	return int(min(95, max(5, 100*e.time().Sub(since)/usual[rec.Status])))
}

// servePage writes a page for a browser that asks for one, and a problem document for everything else.
func servePage(w http.ResponseWriter, r *http.Request, status int, p page) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if p.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.Retry))
	}
	if (r.Method != http.MethodGet && r.Method != http.MethodHead) || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		problem.WriteProblem(w, problem.Problem{Type: "about:blank", Title: p.Title, Status: status, Code: p.Code, Detail: p.Text})
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, p)
}
