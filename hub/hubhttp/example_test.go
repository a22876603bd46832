package hubhttp_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubhttp"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

// The same hub, here and from afar.
func Example() {
	engine := hubtest.NewPlatform(hubmem.New())
	server := httptest.NewServer(authz.Middleware(hubhttp.NewHandler(engine)))
	defer server.Close()

	var service hub.Service = hubhttp.NewClient(server.URL, server.Client())
	ctx := authz.WithCredential(context.Background(), hubtest.Operator)
	o, err := service.CreateOrganization(ctx, hub.Organization{Name: "Acme"})
	fmt.Println(o.Name, o.Currency, err)
	_, err = service.CreateOrganization(ctx, hub.Organization{Name: "Acme", Currency: "euros"})
	fmt.Println(err)
	// Output:
	// Acme USD <nil>
	// currency must be an ISO 4217 code
}
