package app

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	keepNews = 20
	keepSeen = 1000
)

// inbox keeps the last changes that Connec told of.
type inbox struct {
	cfg  Config
	mu   sync.Mutex
	news []change // newest first
	seen []string // ids of webhooks
}

// change is a record that another app added or changed.
type change struct {
	At         time.Time
	Collection string
	Label      string
}

func newInbox(cfg Config) *inbox { return &inbox{cfg: cfg} }

func (i *inbox) last() []change {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.news)
}

// add takes in one webhook. It comes at least once; the id tells repetitions.
func (i *inbox) add(id string, at time.Time, records map[string][]map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if id != "" {
		if slices.Contains(i.seen, id) {
			return
		}
		i.seen = append(i.seen[max(0, len(i.seen)-keepSeen+1):], id)
	}
	for _, collection := range slices.Sorted(maps.Keys(records)) {
		for _, rec := range records[collection] {
			if group, _ := rec["group_id"].(string); group == i.cfg.GroupID {
				i.news = slices.Insert(i.news, 0, change{At: at, Collection: collection, Label: label(rec)})
			}
		}
	}
	i.news = i.news[:min(len(i.news), keepNews)]
}

func (i *inbox) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news = nil
}

// label is what a person calls a record.
func label(rec map[string]any) string {
	text := func(k string) string { s, _ := rec[k].(string); return s }
	for _, s := range []string{text("name"), strings.TrimSpace(text("first_name") + " " + text("last_name")), text("title"), text("transaction_number"), text("code")} {
		if s != "" {
			return s
		}
	}
	return text("id")
}

// fromPlatform reports whether a request carries the app's own credential, which only the platform knows beside it.
func (a *App) fromPlatform(w http.ResponseWriter, r *http.Request) bool {
	id, key, ok := r.BasicAuth()
	same := subtle.ConstantTimeCompare([]byte(id), []byte(a.cfg.APIKey)) & subtle.ConstantTimeCompare([]byte(key), []byte(a.cfg.APISecret))
	if !ok || same != 1 || a.cfg.APISecret == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="quotes"`)
		http.Error(w, "the app's own API key is needed", http.StatusUnauthorized)
		return false
	}
	return true
}

// notified takes Connec's webhooks.
func (a *App) notified(w http.ResponseWriter, r *http.Request) {
	if !a.fromPlatform(w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if a.cfg.WebhookSecret != "" {
		hook, err := standardwebhooks.NewWebhook(a.cfg.WebhookSecret)
		if err == nil {
			err = hook.Verify(body, r.Header)
		}
		if err != nil {
			a.log.WarnContext(r.Context(), "webhook refused", "error", err)
			http.Error(w, "the signature is missing or wrong", http.StatusUnauthorized)
			return
		}
	}
	var records map[string][]map[string]any
	if err := json.Unmarshal(body, &records); err != nil {
		http.Error(w, "malformed JSON", http.StatusBadRequest)
		return
	}
	a.inbox.add(r.Header.Get(standardwebhooks.HeaderWebhookID), time.Now().UTC(), records)
	w.WriteHeader(http.StatusOK)
}

// groupRemoved is told when the organization gives the app up.
func (a *App) groupRemoved(w http.ResponseWriter, r *http.Request) {
	if !a.fromPlatform(w, r) {
		return
	}
	if r.PathValue("group") == a.cfg.GroupID {
		a.sessions.endAll("")
		a.inbox.clear()
	}
	success(w)
}

// userRemoved is told when a user loses access.
func (a *App) userRemoved(w http.ResponseWriter, r *http.Request) {
	if !a.fromPlatform(w, r) {
		return
	}
	if r.PathValue("group") == a.cfg.GroupID {
		a.sessions.endAll(r.PathValue("user"))
	}
	success(w)
}

func success(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"success":true}`+"\n")
}
