// Command webhookreceiver receives Connec's webhooks as an app should: it checks who sends them, drops those that it has seen,
// and prints a line for each record.
//
//	go run ./examples/webhookreceiver -listen localhost:8090 -secret whsec_… -user app-id -password app-key
//
// The secret is the subscription's. To make one: echo whsec_$(openssl rand -base64 32)
package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

func main() {
	listen := flag.String("listen", "localhost:8090", "address to listen at")
	secret := flag.String("secret", "", "the subscription's secret (whsec_…)")
	user := flag.String("user", "", "the app's API id; empty checks only the signature")
	password := flag.String("password", "", "the app's API key")
	flag.Parse()
	if *secret == "" {
		log.Fatal("-secret is needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening at http://%s/\n", l.Addr())
	srv := &http.Server{Handler: &receiver{secret: *secret, user: *user, password: *password, out: os.Stdout}, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(closing)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// receiver is what an app mounts at its notification path.
type receiver struct {
	secret, user, password string

	mu   sync.Mutex
	out  io.Writer
	seen []string // ids of the last webhooks
}

// remembered is how many ids a receiver keeps: more than can come again.
const remembered = 1000

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
	if err != nil {
		http.Error(w, "cannot read the body", http.StatusBadRequest)
		return
	}
	if !rc.fromConnec(r, body) {
		http.Error(w, "not from Connec", http.StatusUnauthorized)
		return
	}
	var records map[string][]struct {
		ID      any    `json:"id"`
		Code    string `json:"code"`
		Status  string `json:"status"`
		GroupID string `json:"group_id"`
	}
	if err := json.Unmarshal(body, &records); err != nil {
		http.Error(w, "malformed body", http.StatusBadRequest)
		return
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if !rc.remember(r.Header.Get(connec.WebhookIDHeader)) {
		return // seen before: a delivery may come twice
	}
	for collection, list := range records {
		for _, rec := range list {
			_, _ = fmt.Fprintf(rc.out, "%s %s %s %v for %s\n", collection, rec.Code, rec.Status, rec.ID, rec.GroupID)
		}
	}
}

// fromConnec checks the signature and the app's own key.
func (rc *receiver) fromConnec(r *http.Request, body []byte) bool {
	user, password, _ := r.BasicAuth()
	known := subtle.ConstantTimeCompare([]byte(user), []byte(rc.user)) & subtle.ConstantTimeCompare([]byte(password), []byte(rc.password))
	if rc.user != "" && known != 1 {
		return false
	}
	return connec.VerifyWebhook([]string{rc.secret}, r.Header, body) == nil
}

// remember reports whether id is new.
func (rc *receiver) remember(id string) bool {
	for _, s := range rc.seen {
		if s == id {
			return false
		}
	}
	if rc.seen = append(rc.seen, id); len(rc.seen) > remembered {
		rc.seen = rc.seen[1:]
	}
	return true
}
