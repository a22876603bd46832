package idmoidc_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/idm/idmoidc"
)

func ExampleNew() {
	svc := idm.New(idmmem.New())
	provider, err := idmoidc.New(svc, idmoidc.NewMemStore(), "https://example.com/oidc")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/oidc/", provider)

	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/oidc/.well-known/openid-configuration", nil))
	fmt.Println(rec.Code)
	// Output: 200
}
