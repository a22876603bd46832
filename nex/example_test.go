package nex_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
)

// An app from a template, reached through the router. In earnest the store is nexsql's and the backend nexproc's.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	everybody := authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
		return authz.Decision{Allowed: true, Authenticated: true}, nil
	})
	backend := nexmem.NewBackend()
	backend.Handle("notes", func(p *nexmem.Process) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "notes of ", p.Env["NEX_ORG"])
		}), nil
	})
	defer func() { _ = backend.Close() }()

	engine := nex.New(nexmem.New(), backend, everybody, nex.WithDomain("apps.example.com"))
	go func() { _ = engine.Run(ctx) }()

	if err := engine.PutTemplate(ctx, nex.Template{Name: "notes", Command: []string{"notes"}}); err != nil {
		fmt.Println(err)
	}
	app, err := engine.CreateApp(ctx, nex.AppSpec{UID: "notes-1", Organization: "org-1", Template: "notes"})
	for err == nil && app.Status != nex.Running {
		time.Sleep(time.Millisecond)
		app, err = engine.GetApp(ctx, "notes-1")
	}
	fmt.Println(app.Status, app.URL)

	answer := httptest.NewRecorder()
	engine.Router(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", "http://notes-1.apps.example.com/", nil))
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(string(body))
	// Output:
	// running http://notes-1.apps.example.com
	// notes of org-1
}
