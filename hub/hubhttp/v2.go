package hubhttp

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// v2 mounts the HUB API.
func (h *handler) v2() {
	const base = "/api/mnoe/v2/"
	for pattern, serve := range map[string]func(*v2Request) (*v2Answer, error){
		"GET users":                           (*v2Request).listUsers,
		"POST users":                          (*v2Request).createUser,
		"POST users/authenticate":             (*v2Request).authenticate,
		"GET users/{id}":                      (*v2Request).getUser,
		"GET organizations":                   (*v2Request).listOrganizations,
		"POST organizations":                  (*v2Request).createOrganization,
		"GET organizations/{id}":              (*v2Request).getOrganization,
		"GET orga_relations":                  (*v2Request).listRelations,
		"POST orga_relations":                 (*v2Request).createRelation,
		"GET orga_relations/{id}":             (*v2Request).getRelation,
		"PATCH orga_relations/{id}":           (*v2Request).updateRelation,
		"DELETE orga_relations/{id}":          (*v2Request).deleteRelation,
		"GET apps":                            (*v2Request).listApps,
		"POST apps":                           (*v2Request).createApp,
		"GET apps/{id}":                       (*v2Request).getApp,
		"PATCH apps/{id}":                     (*v2Request).updateApp,
		"GET app_instances":                   (*v2Request).listInstances,
		"POST app_instances/provision":        (*v2Request).provision,
		"GET app_instances/{id}":              (*v2Request).getInstance,
		"DELETE app_instances/{id}/terminate": (*v2Request).terminate,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		h.mux.HandleFunc(method+" "+base+path, func(w http.ResponseWriter, r *http.Request) {
			q, err := parseV2(r)
			if err != nil {
				h.fail(w, r, err)
				return
			}
			a, err := serve(&v2Request{Request: r, svc: h.svc, query: q})
			if err != nil {
				h.fail(w, r, err)
				return
			}
			writeV2(w, a)
		})
	}
}

// v2Request is a request to the HUB API, with what it looked up so far.
type v2Request struct {
	*http.Request
	svc   hub.Service
	query *v2Query

	organizationsSeen []*hub.Organization
	membersSeen       map[string][]*hub.Member
}

// v2Answer is a document, or nothing with status 204.
type v2Answer struct {
	status int
	doc    any
}

const v2Media = "application/vnd.api+json"

func writeV2(w http.ResponseWriter, a *v2Answer) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.doc == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Content-Type", v2Media)
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.doc)
}

// v2Error is a JSON:API error as the frontends read it.
type v2Error struct {
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
	Code   string    `json:"code"`
	Status string    `json:"status"`
	Source *v2Source `json:"source,omitempty"`
}

type v2Source struct {
	Pointer string `json:"pointer"`
}

func writeV2Errors(w http.ResponseWriter, p problem.Problem) {
	status := strconv.Itoa(p.Status)
	var errs []v2Error
	for _, f := range p.Errors {
		e := v2Error{Title: f.Reason, Detail: f.Reason, Code: "100", Status: status}
		if f.Path != "" {
			e.Detail, e.Source = f.Path+" - "+f.Reason, &v2Source{Pointer: "/data/attributes/" + f.Path}
		}
		errs = append(errs, e)
	}
	if len(errs) == 0 {
		detail := p.Detail
		if detail == "" {
			detail = p.Title
		}
		errs = []v2Error{{Title: p.Title, Detail: detail, Code: p.Code, Status: status}}
	}
	h := w.Header()
	h.Set("Content-Type", v2Media)
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="ensemble", Bearer`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": errs})
}
