package app

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

//go:embed page.html style.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"collection": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"clock":      func(t time.Time) string { return t.Format("15:04:05 UTC") },
	"money": func(a amount) string {
		n := a.Total
		if n == "" {
			n = a.Net
		}
		return strings.TrimSpace(twoDigits(n.String()) + " " + a.Currency)
	},
}).ParseFS(files, "page.html"))

// twoDigits shows a number as an amount of money.
func twoDigits(s string) string {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 2 || strings.ContainsAny(s, "eE") || s == "" {
		return s
	}
	return whole + "." + (frac + "00")[:2]
}

// view is what the page shows.
type view struct {
	User      user
	SignedIn  bool
	Company   company
	Customers []organization
	People    []person
	Quotes    []quoteRow
	News      []change
	// Trouble says that Connec can't be read.
	Trouble bool
	Notice  string
	Failure string
	// Form is what was typed into a form that was refused.
	Form url.Values

	// Title and Text stand alone on a page that only tells something.
	Title, Text string
}

type quoteRow struct {
	quote
	Customer string
	Open     bool
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	u, ok := a.sessions.find(r)
	if !ok {
		a.render(w, r, http.StatusOK, "welcome", view{Title: "Quotes"})
		return
	}
	v := a.load(r.Context(), u)
	v.Notice = notices[r.URL.Query().Get("done")]
	a.render(w, r, http.StatusOK, "home", v)
}

// notices by what was done: pages don't repeat what the address says.
var notices = map[string]string{
	"customer": "The customer was added, and shared with your other apps.",
	"quote":    "The quote was added.",
	"accepted": "The quote was accepted. Its invoice is in your accounts.",
	"declined": "The quote was declined.",
}

// load reads what the page shows, all at once.
func (a *App) load(ctx context.Context, u user) view {
	v := view{User: u, SignedIn: true, News: a.inbox.last(), Form: url.Values{}}
	var quotes []quote
	var wg sync.WaitGroup
	var mu sync.Mutex
	read := func(collection string, q url.Values, out any) {
		wg.Go(func() {
			if err := a.connec.call(ctx, http.MethodGet, collection, "", q, nil, out); err != nil {
				a.log.WarnContext(ctx, "read from Connec", "collection", collection, "error", err)
				mu.Lock()
				v.Trouble = true
				mu.Unlock()
			}
		})
	}
	read("company", nil, &v.Company)
	read("organizations", newest(50, "is_customer eq true"), &v.Customers)
	read("people", newest(8, ""), &v.People)
	read("quotes", newest(20, ""), &quotes)
	wg.Wait()
	names := map[string]string{}
	for _, c := range v.Customers {
		names[c.ID] = c.Name
	}
	for _, q := range quotes {
		v.Quotes = append(v.Quotes, quoteRow{quote: q, Customer: names[q.OrganizationID], Open: q.Status != "ACCEPTED" && q.Status != "REJECTED"})
	}
	return v
}

// member lets only signed-in people through.
func (a *App) member(w http.ResponseWriter, r *http.Request) (user, bool) {
	u, ok := a.sessions.find(r)
	if !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
	return u, ok
}

// refused shows the page again with what was wrong and what was typed.
func (a *App) refused(w http.ResponseWriter, r *http.Request, u user, text string) {
	v := a.load(r.Context(), u)
	v.Failure, v.Form = text, r.PostForm
	a.render(w, r, http.StatusUnprocessableEntity, "home", v)
}

// stored answers a form: with the page anew, or with what Connec had to say.
func (a *App) stored(w http.ResponseWriter, r *http.Request, u user, done string, err error) {
	if err == nil {
		http.Redirect(w, r, "/?done="+done, http.StatusSeeOther)
		return
	}
	a.log.WarnContext(r.Context(), "write to Connec", "error", err)
	text := "Your data can't be stored right now. Please try again."
	switch e, ok := errors.AsType[*refusedError](err); {
	case ok && e.status == http.StatusBadRequest:
		text = "That was refused: " + e.detail
	case ok && e.status == http.StatusNotFound:
		text = "That is no longer there."
	}
	a.refused(w, r, u, text)
}

func (a *App) addCustomer(w http.ResponseWriter, r *http.Request) {
	u, ok := a.member(w, r)
	if !ok {
		return
	}
	name, email := strings.TrimSpace(r.PostFormValue("name")), strings.TrimSpace(r.PostFormValue("email"))
	if name == "" || utf8.RuneCountInString(name) > 200 {
		a.refused(w, r, u, "A customer needs a name of at most 200 characters.")
		return
	}
	send := map[string]any{"name": name, "is_customer": true}
	if email != "" {
		if _, err := mail.ParseAddress(email); err != nil || len(email) > 254 {
			a.refused(w, r, u, "That is not an e-mail address.")
			return
		}
		send["email"] = map[string]any{"address": email}
	}
	var made organization
	a.stored(w, r, u, "customer", a.connec.call(r.Context(), http.MethodPost, "organizations", "", nil, send, &made))
}

var price = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})([.][0-9]{1,2})?$`)

func (a *App) addQuote(w http.ResponseWriter, r *http.Request) {
	u, ok := a.member(w, r)
	if !ok {
		return
	}
	title, net := strings.TrimSpace(r.PostFormValue("title")), strings.TrimSpace(r.PostFormValue("price"))
	switch {
	case r.PostFormValue("customer") == "":
		a.refused(w, r, u, "A quote needs a customer.")
		return
	case title == "" || utf8.RuneCountInString(title) > 200:
		a.refused(w, r, u, "A quote needs a description of at most 200 characters.")
		return
	case !price.MatchString(net):
		a.refused(w, r, u, "A price is a number with at most two decimals, such as 1250.00.")
		return
	}
	var own company
	var customer organization
	err := a.connec.call(r.Context(), http.MethodGet, "organizations", r.PostFormValue("customer"), nil, nil, &customer)
	if err == nil {
		err = a.connec.call(r.Context(), http.MethodGet, "company", "", nil, nil, &own)
	}
	if err != nil {
		a.stored(w, r, u, "", err)
		return
	}
	sum := amount{Net: json.Number(net), Currency: own.Currency}
	send := map[string]any{
		"title": title, "status": "PENDING", "organization_id": customer.ID, "transaction_date": time.Now().UTC().Format(time.RFC3339),
		"amount": sum, "lines": []any{map[string]any{"description": title, "quantity": 1, "unit_price": sum}},
	}
	var made quote
	a.stored(w, r, u, "quote", a.connec.call(r.Context(), http.MethodPost, "quotes", "", nil, send, &made))
}

func (a *App) acceptQuote(w http.ResponseWriter, r *http.Request) {
	u, ok := a.member(w, r)
	if !ok {
		return
	}
	var q quote
	err := a.connec.call(r.Context(), http.MethodGet, "quotes", r.PathValue("id"), nil, nil, &q)
	if err == nil {
		send := map[string]any{
			"id": a.connec.createdFrom(q.ID), "title": q.Title, "type": "CUSTOMER", "status": "AUTHORISED", "organization_id": q.OrganizationID,
			"transaction_date": time.Now().UTC().Format(time.RFC3339), "due_date": time.Now().UTC().AddDate(0, 0, 30).Format(time.RFC3339),
			"amount": q.Amount, "lines": q.Lines,
		}
		var made struct{}
		err = a.connec.call(r.Context(), http.MethodPost, "invoices", "", nil, send, &made)
	}
	if err == nil {
		err = a.connec.call(r.Context(), http.MethodPut, "quotes", q.ID, nil, map[string]any{"status": "ACCEPTED"}, &q)
	}
	a.stored(w, r, u, "accepted", err)
}

func (a *App) declineQuote(w http.ResponseWriter, r *http.Request) {
	u, ok := a.member(w, r)
	if !ok {
		return
	}
	var q quote
	err := a.connec.call(r.Context(), http.MethodPut, "quotes", r.PathValue("id"), nil, map[string]any{"status": "REJECTED"}, &q)
	a.stored(w, r, u, "declined", err)
}

// message tells one thing on a page of its own.
func (a *App) message(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	a.render(w, r, status, "message", view{Title: title, Text: text})
}

func (a *App) render(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, v); err != nil {
		a.log.ErrorContext(r.Context(), "render", "page", page, "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	http.ServeFileFS(w, r, files, "style.css")
}
