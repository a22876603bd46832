// Command remoteclient reads and writes a Connec elsewhere.
//
//	export CONNEC_KEY=app-id:app-key
//	go run ./examples/remoteclient -url http://localhost:8080 -group cld-1 create people first_name=Jo last_name=Doe
//	go run ./examples/remoteclient -url http://localhost:8080 -group cld-1 list people "last_name eq 'Doe'"
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
)

const usage = "usage: remoteclient -url URL -group GROUP [-key ID:KEY] list COLLECTION [FILTER] | create COLLECTION NAME=VALUE…"

func main() {
	url := flag.String("url", "http://localhost:8080", "where Connec is")
	group := flag.String("group", "", "app instance (cld-…) or organization (org-…)")
	key := flag.String("key", os.Getenv("CONNEC_KEY"), "API id:key; the default is $CONNEC_KEY, where it is not seen by other users")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	id, secret, _ := strings.Cut(*key, ":")
	svc := connechttp.NewClient(*url, nil)
	if err := run(authz.WithCredential(ctx, authz.Key(id, secret)), os.Stdout, svc, *group, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "remoteclient:", err)
		os.Exit(1)
	}
}

// run works on any Service: in process it could be an engine.
func run(ctx context.Context, out io.Writer, svc connec.Service, group string, args []string) error {
	if len(args) < 2 || group == "" {
		return errors.New(usage)
	}
	enc := json.NewEncoder(out)
	collection, rest := args[1], args[2:]
	switch args[0] {
	case "list":
		for skip := 0; ; {
			page, err := svc.List(ctx, group, collection, connec.Query{Filter: strings.Join(rest, " "), Skip: skip})
			if err != nil {
				return err
			}
			for _, r := range page.Resources {
				if err := enc.Encode(r); err != nil {
					return err
				}
			}
			if skip += len(page.Resources); skip >= page.Total || len(page.Resources) == 0 {
				return nil
			}
		}
	case "create":
		attrs := map[string]any{}
		for _, arg := range rest {
			name, value, ok := strings.Cut(arg, "=")
			if !ok {
				return fmt.Errorf("%q is not NAME=VALUE", arg)
			}
			attrs[name] = value
		}
		r, _, err := svc.Create(ctx, group, collection, attrs, connec.WriteOptions{})
		if err != nil {
			return err
		}
		return enc.Encode(r)
	default:
		return errors.New(usage)
	}
}
