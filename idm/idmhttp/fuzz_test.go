package idmhttp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
)

// Whatever a body holds, the answer is a decision or a 400, and only the platform's services are allowed what is asked here.
func FuzzEvaluation(f *testing.F) {
	engine := newEngine()
	_, err := engine.PutClient(f.Context(), idm.Client{ID: "svc-caller", Kind: idm.ServiceClient}, callerKey)
	require.NoError(f, err)
	h := idmhttp.NewHandler(engine)
	for _, seed := range []string{
		"", "{}", "null", `{"subject":{"type":"user","id":"usr-1"},"action":{"name":"manage_platform"},"resource":{"type":"platform","id":"platform"}}`,
		`{"subject":{"type":"api_key","id":"svc-caller:x"},"action":{"name":"read"},"resource":{"type":"connec_entity","id":"a/b"}}`,
		`{"subject":{"type":"service","id":"svc-1"},"action":{"name":"manage_platform"},"resource":{"type":"platform","id":"platform"}}`,
		`{"subject":{"type":1}}`, `{"subject":null,"action":null,"resource":null}`, strings.Repeat("[", 1000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/access/v1/evaluation", strings.NewReader(body))
		r.Header.Set("Content-Type", asJSON)
		r = r.WithContext(authz.WithCredential(r.Context(), authz.Key("svc-caller", callerKey)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		case http.StatusOK:
			var answer struct {
				Decision *bool
				Context  struct{ Principal struct{ Type string } }
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			require.NotNil(t, answer.Decision)
			require.True(t, !*answer.Decision || answer.Context.Principal.Type == authz.Service, "%s", w.Body)
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}
