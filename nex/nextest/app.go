package nextest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/ensemble-platform/ensemble/nex/nexmem"
)

// AppVariable makes a test binary behave as [App]: see [Main].
const AppVariable = "NEXTEST_APP"

// Variables that steer [App].
const (
	// IgnoreTerm makes the app ignore SIGTERM.
	IgnoreTerm = "NEXTEST_IGNORE_TERM"
	// Unhealthy makes /healthz answer 500.
	Unhealthy = "NEXTEST_UNHEALTHY"
	// ExitAtOnce makes the app end with that status before it listens.
	ExitAtOnce = "NEXTEST_EXIT"
)

// Program is the app of the suites as a program for nexmem.Backend.
func Program(p *nexmem.Process) (http.Handler, error) {
	if p.Env[ExitAtOnce] != "" {
		return nil, fmt.Errorf("exit status %s", p.Env[ExitAtOnce])
	}
	return App(p.Env, p.Exit, p.Log), nil
}

// App is the app that the suites run. It answers
//
//	/healthz            200, or 500 when the variable Unhealthy is set
//	/env?name=NAME      the variable's value, or 404
//	/exit?code=N        nothing: it ends
//	/log?text=T&stream=S  and writes a line
//	/data?text=T        what was stored the last time, and stores T in NEX_DATA_DIR
//	/pid                the id of its process
//	/slow?ms=N          after N ms
//	/headers            the request's headers and host, a line each
//	/events             one server-sent event, and then nothing until the client goes
//	/echo               the same bytes, after switching protocols to "echo"
func App(env map[string]string, exit func(int), log func(stream, text string)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if env[Unhealthy] != "" {
			http.Error(w, "unhealthy", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, r *http.Request) {
		v, ok := env[r.FormValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, v)
	})
	mux.HandleFunc("GET /exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code"))
		exit(code)
	})
	mux.HandleFunc("GET /log", func(_ http.ResponseWriter, r *http.Request) { log(r.FormValue("stream"), r.FormValue("text")) })
	mux.HandleFunc("GET /data", func(w http.ResponseWriter, r *http.Request) {
		file := filepath.Join(env["NEX_DATA_DIR"], "note")
		b, _ := os.ReadFile(file)
		_, _ = w.Write(b)
		_ = os.WriteFile(file, []byte(r.FormValue("text")), 0o600)
	})
	mux.HandleFunc("GET /pid", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.FormValue("ms"))
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			_, _ = io.WriteString(w, "done")
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "Host: %s\n", r.Host)
		_ = r.Header.Write(w)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("GET /echo", echo)
	return mux
}

func echo(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	_ = rw.Flush()
	_, _ = io.Copy(conn, rw)
}

// Main turns the test binary into [App] when [AppVariable] is set, and never returns then. Call it first in TestMain:
//
//	func TestMain(m *testing.M) {
//		nextest.Main()
//		os.Exit(m.Run())
//	}
//
// Backends that run programs then get Command: []string{os.Args[0]}.
func Main() {
	if os.Getenv(AppVariable) == "" {
		return
	}
	env := map[string]string{}
	for _, kv := range os.Environ() {
		for i := range kv {
			if kv[i] == '=' && i > 0 {
				env[kv[:i]] = kv[i+1:]
				break
			}
		}
	}
	if code, err := strconv.Atoi(env[ExitAtOnce]); err == nil {
		_, _ = fmt.Fprintln(os.Stderr, "ending at once")
		os.Exit(code)
	}
	ctx, stop := context.WithCancel(context.Background())
	if env[IgnoreTerm] != "" {
		signal.Ignore(syscall.SIGTERM)
	} else {
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGTERM)
	}
	srv := &http.Server{
		Addr: "127.0.0.1:" + env["PORT"], ReadHeaderTimeout: time.Minute,
		Handler: App(env, os.Exit, func(stream, text string) {
			if stream == "stderr" {
				_, _ = fmt.Fprintln(os.Stderr, text)
			} else {
				_, _ = fmt.Fprintln(os.Stdout, text)
			}
		}),
	}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	err := srv.ListenAndServe()
	stop()
	if ctx.Err() == nil || err == nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
