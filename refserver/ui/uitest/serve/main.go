// Serve starts the pretended platform for work on the console.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/refserver/ui/uitest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8099", "address to listen on")
	flag.Parse()
	log.Printf("http://%s/ — sign in as %s with %q", *listen, uitest.Email, uitest.Password)
	s := &http.Server{Addr: *listen, Handler: uitest.New(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(s.ListenAndServe())
}
