package hubhttp

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// launch sends a browser into an app, or says on a page why not.
func (h *handler) launch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	to, err := h.svc.LaunchURL(r.Context(), r.PathValue("id"))
	switch {
	case err == nil:
		w.Header().Set("Referrer-Policy", "no-referrer")
		redirect(w, to)
	case errors.Is(err, authz.ErrUnauthenticated):
		sep := "?"
		if strings.Contains(h.login, "?") {
			sep = "&"
		}
		redirect(w, h.login+sep+"return_to="+url.QueryEscape(r.URL.RequestURI()))
	case errors.Is(err, hub.ErrNotRunning):
		h.notRunning(w, r)
	case errors.Is(err, authz.ErrDenied), errors.Is(err, hub.ErrNotFound):
		writePage(w, http.StatusForbidden, page{Title: "No access", Text: "You have no access to this app, or it was removed. Ask an administrator of your organization."})
	case errors.Is(err, hub.ErrInvalid):
		writePage(w, http.StatusNotFound, page{Title: "Nothing to open", Text: "This app works in the background and has no page of its own."})
	default:
		if r.Context().Err() == nil {
			h.log.ErrorContext(r.Context(), "launch", "error", err)
		}
		status := problem.Status(err)
		writePage(w, status, page{Title: "The app can't be opened now", Text: "Something went wrong on our side. Please try again in a moment."})
	}
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// notRunning tells how far the app is. The page comes back by itself while there is something to wait for.
func (h *handler) notRunning(w http.ResponseWriter, r *http.Request) {
	i, err := h.svc.GetAppInstance(r.Context(), r.PathValue("id"))
	if err != nil {
		writePage(w, http.StatusForbidden, page{Title: "No access", Text: "You have no access to this app, or it was removed."})
		return
	}
	switch i.Status {
	case hub.Provisioning, hub.Starting:
		p := page{Title: "Preparing " + i.Name, Text: i.Step + ". This page opens the app as soon as it is ready.", Waiting: true, Progress: i.Progress, Errors: i.Errors}
		w.Header().Set("Refresh", "2")
		writePage(w, http.StatusOK, p)
	case hub.Terminating, hub.Terminated:
		writePage(w, http.StatusGone, page{Title: i.Name + " was removed", Text: "This app is no longer part of your organization."})
	default:
		writePage(w, http.StatusConflict, page{Title: i.Name + " isn't running", Text: "Ask an administrator of your organization to start it."})
	}
}

type page struct {
	Title, Text string
	Waiting     bool
	Progress    int
	Errors      []string
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --text: #1c2430; --soft: #5b6676; --back: #f5f7fa; --card: #fff; --line: #dde3ea; --accent: #2f6fed; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --text: #e8ecf2; --soft: #9aa6b6; --back: #12161c; --card: #1b212a; --line: #2c3440; --accent: #7aa7ff; --bad: #ff9b93 } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 28rem; margin: 1rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px }
h1 { margin: 0 0 .5rem; font-size: 1.375rem } p { margin: .5rem 0; color: var(--soft) } li { color: var(--bad) }
progress { width: 100%; height: .5rem; margin: 1rem 0; accent-color: var(--accent) } a { color: var(--accent) }
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p{{if .Waiting}} role="status"{{end}}>{{.Text}}</p>
{{if .Waiting}}<progress max="100" value="{{.Progress}}" aria-label="Progress">{{.Progress}} %</progress>{{end}}
{{if .Errors}}<ul>{{range .Errors}}<li>{{.}}</li>{{end}}</ul>{{end}}
<p><a href="/">Back to the start</a></p>
</main>
</body>
</html>
`))

func writePage(w http.ResponseWriter, status int, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, p)
}
