package hub_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubidm"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

// A customer signs in, adds an app, and enters it.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	judge := idm.New(idmmem.New())
	engine := hub.New(hubmem.New(), judge, hubidm.New(judge))
	go func() { _ = engine.Run(ctx) }()

	platform := authz.WithCredential(ctx, authz.OnBehalfOf("svc-setup"))
	_, key, err := engine.PutApp(platform, hub.App{
		NID: "crm", Name: "CRM", Stack: hub.Cloud, Host: "https://crm.example.com", SSOInitPath: "/login", Active: true,
	})
	fmt.Println("the app has a key:", key != "", err)
	_, err = engine.CreateUser(platform, hub.User{Email: "ada@example.com", Name: "Ada"}, "correct horse battery")
	if err != nil {
		fmt.Println(err)
		return
	}

	session, err := engine.Login(ctx, "ada@example.com", "correct horse battery")
	if err != nil {
		fmt.Println(err)
		return
	}
	ada := authz.WithCredential(ctx, authz.SessionToken(session.Token))
	acme, _ := engine.CreateOrganization(ada, hub.Organization{Name: "Acme", Currency: "EUR"})
	fmt.Println(acme.Name, acme.Role)

	instance, _ := engine.AddApp(ada, acme.ID, "crm")
	for instance.Status != hub.Running {
		time.Sleep(time.Millisecond)
		instance, _ = engine.GetAppInstance(ada, instance.ID)
	}
	to, err := engine.LaunchURL(ada, instance.ID)
	fmt.Println(to == "https://crm.example.com/login?group_id="+instance.ID, err)
	// Output:
	// the app has a key: true <nil>
	// Acme Super Admin
	// true <nil>
}
