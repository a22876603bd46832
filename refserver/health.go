package refserver

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ensemble-platform/ensemble/internal/httpx"
)

// health answers /healthz (the process runs) and /readyz (it can serve).
type health struct {
	draining atomic.Bool
	checks   map[string]func(context.Context) error
}

func (h *health) healthz(w http.ResponseWriter, _ *http.Request) {
	httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (h *health) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	status, answer := http.StatusOK, map[string]string{}
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(h.checks))
	for name, check := range h.checks {
		go func() { results <- result{name, check(ctx)} }()
	}
	for range h.checks {
		res := <-results
		answer[res.name] = "ok"
		if res.err != nil {
			// The reason may hold addresses: it is for the log, not for whoever asks.
			answer[res.name], status = "unavailable", http.StatusServiceUnavailable
		}
	}
	if h.draining.Load() {
		answer["server"], status = "shutting down", http.StatusServiceUnavailable
	}
	httpx.WriteJSON(w, status, answer)
}
