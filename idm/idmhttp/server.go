package idmhttp

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

// server answers the operations that need more of the request than the generated code hands on, or that must be quick. The others
// go to admin.
type server struct {
	idmapi.ServerInterface
	*handler
}

// question is what an AuthZEN body asks. Pointers tell what is missing from what is empty.
type question struct {
	Subject  *entity `json:"subject"`
	Action   *action `json:"action"`
	Resource *entity `json:"resource"`
}

type entity struct {
	Type *string `json:"type"`
	ID   *string `json:"id"`
}

type action struct {
	Name *string `json:"name"`
}

// Subject types.
const (
	subjectSession = "session"
	subjectKey     = "api_key"
	subjectUser    = "user"
	subjectApp     = "app"
	subjectTenant  = "tenant"
	subjectService = "service"
	subjectGroup   = "group"
)

// trustedPrefix is what the id of a subject that the caller vouches for must begin with.
var trustedPrefix = map[string]string{subjectUser: "usr-", subjectApp: "app-", subjectTenant: "tnt-", subjectService: "svc-", subjectGroup: ""}

// credential turns a subject into what the Authorizer takes. An unknown type becomes an unknown kind of credential.
func credential(typ, id string) authz.Credential {
	switch typ {
	case subjectSession:
		return authz.SessionToken(id)
	case subjectKey:
		client, key, _ := strings.Cut(id, ":")
		return authz.Key(client, key)
	}
	prefix, ok := trustedPrefix[typ]
	if !ok || typ != trustedType(id) && prefix != "" {
		return authz.Credential{Kind: "unknown"}
	}
	return authz.OnBehalfOf(id)
}

// trustedType is the subject type of a trusted id.
func trustedType(id string) string {
	for typ, prefix := range trustedPrefix {
		if prefix != "" && strings.HasPrefix(id, prefix) {
			return typ
		}
	}
	return subjectGroup
}

// evaluation is the answer. It is written by hand because it is written often; a test holds it to the description.
type evaluation struct {
	Decision bool              `json:"decision"`
	Context  evaluationContext `json:"context"`
}

type evaluationContext struct {
	Authenticated bool       `json:"authenticated"`
	Reason        string     `json:"reason,omitempty"`
	Principal     *principal `json:"principal,omitempty"`
	Organization  string     `json:"organization,omitempty"`
	Group         string     `json:"group,omitempty"`
	Role          string     `json:"role,omitempty"`
}

type principal struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

func toEvaluation(d authz.Decision) evaluation {
	e := evaluation{Decision: d.Allowed, Context: evaluationContext{
		Authenticated: d.Authenticated, Reason: d.Reason, Organization: d.Organization, Group: d.Group, Role: d.Role,
	}}
	if d.Authenticated {
		e.Context.Principal = &principal{d.Principal.Type, d.Principal.ID, d.Principal.Name}
	}
	return e
}

func (e evaluation) decision() authz.Decision {
	d := authz.Decision{
		Allowed: e.Decision, Authenticated: e.Context.Authenticated, Reason: e.Context.Reason,
		Organization: e.Context.Organization, Group: e.Context.Group, Role: e.Context.Role,
	}
	if p := e.Context.Principal; p != nil {
		d.Principal = authz.Principal{Type: p.Type, ID: p.ID, Name: p.Name}
	}
	return d
}

// ask reads a question. AuthZEN wants a 400 for everything that is missing or of the wrong type.
func ask(r *http.Request, into any, q *question) (authz.Request, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return authz.Request{}, problem.Invalid(errBad, "", "the Content-Type must be application/json")
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return authz.Request{}, err
	}
	for _, m := range []struct {
		path    string
		missing bool
	}{
		{"subject", q.Subject == nil},
		{"subject.type", q.Subject != nil && q.Subject.Type == nil},
		{"subject.id", q.Subject != nil && q.Subject.ID == nil},
		{"action", q.Action == nil},
		{"action.name", q.Action != nil && q.Action.Name == nil},
		{"resource", q.Resource == nil},
		{"resource.type", q.Resource != nil && q.Resource.Type == nil},
		{"resource.id", q.Resource != nil && q.Resource.ID == nil},
	} {
		if m.missing {
			return authz.Request{}, problem.Invalid(errBad, m.path, "is missing")
		}
	}
	return authz.Request{
		Credential: credential(*q.Subject.Type, *q.Subject.ID),
		Action:     authz.Action(*q.Action.Name),
		Resource:   authz.Resource{Type: *q.Resource.Type, ID: *q.Resource.ID},
	}, nil
}

// Evaluate decides one question.
func (s *server) Evaluate(w http.ResponseWriter, r *http.Request, _ idmapi.EvaluateParams) {
	var q question
	req, err := ask(r, &q, &q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	d, err := s.svc.Authorize(r.Context(), req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	httpx.WriteJSON(w, http.StatusOK, toEvaluation(d))
}

// Filter decides many.
func (s *server) Filter(w http.ResponseWriter, r *http.Request) {
	var q struct {
		question
		IDs *[]string `json:"ids"`
	}
	none := ""
	q.Resource = &entity{ID: &none}
	req, err := ask(r, &q, &q.question)
	switch {
	case err != nil:
	case q.IDs == nil:
		err = problem.Invalid(errBad, "ids", "is missing")
	case len(*q.IDs) > maxIDs:
		err = problem.Invalid(errBad, "ids", "must be at most %d", maxIDs)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	req.Resource.ID = ""
	ids, err := s.svc.Filter(r.Context(), req, *q.IDs)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if ids == nil {
		ids = []string{}
	}
	httpx.WriteJSON(w, http.StatusOK, idmapi.FilterAnswer{Ids: ids})
}

// GetAuthZENConfiguration tells where decisions are made.
func (s *server) GetAuthZENConfiguration(w http.ResponseWriter, r *http.Request) {
	base := s.publicURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	httpx.WriteJSON(w, http.StatusOK, idmapi.AuthZENConfiguration{
		PolicyDecisionPoint: base, AccessEvaluationEndpoint: base + "/access/v1/evaluation",
	})
}
