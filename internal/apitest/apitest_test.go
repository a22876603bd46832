package apitest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"
)

// An answer that the description doesn't allow is found.
func TestValidateFinds(t *testing.T) {
	doc := Load(t, "connec")
	item := doc.Paths.Value("/version")
	route := &routers.Route{Spec: doc, Path: "/version", PathItem: item, Method: http.MethodGet, Operation: item.Get}
	answer := func(status int, media, body string) error {
		rec := httptest.NewRecorder()
		rec.Header().Set("Content-Type", media)
		rec.WriteHeader(status)
		_, _ = rec.WriteString(body)
		return Validate(route, httptest.NewRequest(http.MethodGet, "/version", nil), rec.Result())
	}
	require.NoError(t, answer(200, "application/json", `{"ci_branch":"v1","ci_commit":"","ci_build_number":""}`))
	for name, err := range map[string]error{
		"missing member":   answer(200, "application/json", `{"ci_branch":"v1","ci_commit":""}`),
		"wrong type":       answer(200, "application/json", `{"ci_branch":1,"ci_commit":"","ci_build_number":""}`),
		"wrong media type": answer(200, "text/html", `<p>`),
		"no JSON":          answer(200, "application/json", `{`),
		"no error body":    answer(500, "application/json", `{"errors":[]}`),
		"null for uuid":    answer(500, "application/json", `{"errors":[{"id":null,"href":null,"status":"500","code":"x","title":"x","detail":"x"}]}`),
	} {
		require.Error(t, err, name)
	}
	require.NoError(t, answer(404, "application/json", `{"errors":[{"id":"0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e","href":null,"status":"404","code":"x","title":"x","detail":"x"}]}`))
}
