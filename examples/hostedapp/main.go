// Command hostedapp is an app as Nex runs it: see package app. `ensemble demo` hosts it; alone it shows only its first page:
//
//	PORT=8091 NEX_PUBLIC_URL=http://localhost:8091 go run ./examples/hostedapp
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ensemble-platform/ensemble/examples/hostedapp/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := app.Main(ctx, os.Environ(), os.Stderr); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
