package refserver

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ensemble-platform/ensemble/impac/impacui"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/openapi"
	"github.com/ensemble-platform/ensemble/refserver/docsui"
	"github.com/ensemble-platform/ensemble/refserver/ui"
)

func requestID(next http.Handler) http.Handler { return httpx.RequestID(next) }

// mountOwn adds what belongs to the server rather than to a subsystem.
func (s *Server) mountOwn() {
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	rs := &s.door.routes
	rs.add("health", http.HandlerFunc(s.health.healthz), "/healthz")
	rs.add("health", http.HandlerFunc(s.health.readyz), "/readyz")
	rs.add("metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}), "/metrics")
	rs.add("docs", http.HandlerFunc(s.specs), "/openapi/")
	rs.add("docs", docsui.NewHandler([]string{"connec", "hub", "idm", "impac", "nex"}), "/docs/")
	rs.add("console", impacui.NewHandler("/impac/ui"), "/impac/ui/")
	if s.Hub != nil {
		rs.add("console", ui.NewHandler(), "/")
	}
}

// specs serves the OpenAPI descriptions: /openapi/connec.yaml.
func (s *Server) specs(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(collapse(r.URL.Path), "/openapi/"), ".yaml")
	b, err := openapi.Spec(name)
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(b)
}
