package idmoidc

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
)

// message is a page for people.
type message struct {
	Title, Text string
	Links       []link
	// Confirm asks for a confirmation, and sends Form along.
	Confirm bool
	Form    url.Values
	Home    string
}

type link struct{ Text, URL string }

var pages = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 15vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
ul { list-style: none; padding: 0; }
li a, button { display: block; width: 100%; box-sizing: border-box; margin: .5rem 0; padding: .75rem 1rem; font: inherit; text-align: left;
  color: inherit; background: none; border: 1px solid; border-radius: .5rem; text-decoration: none; cursor: pointer; }
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Links}}<ul>{{range .}}<li><a href="{{.URL}}">{{.Text}}</a></li>{{end}}</ul>{{end}}
{{if .Confirm}}<form method="post">{{range $k, $vs := .Form}}{{range $vs}}<input type="hidden" name="{{$k}}" value="{{.}}">{{end}}{{end}}
<input type="hidden" name="confirm" value="yes"><button>Sign out</button></form>{{end}}
<p><a href="{{.Home}}">Back to the start page</a></p>
</main>
</body>
</html>
`))

func (p *Provider) page(w http.ResponseWriter, status int, m message) {
	var buf bytes.Buffer
	if err := pages.Execute(&buf, m); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w)
}
