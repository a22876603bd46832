package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmhttp"
)

func percentiles(all []time.Duration) result {
	slices.Sort(all)
	return result{p50: all[len(all)/2], p99: all[len(all)*99/100]}
}

func measureIDM(ctx context.Context, s settings) ([]row, error) {
	e, token, err := judge(ctx)
	if err != nil {
		return nil, err
	}
	req := authz.Request{Credential: authz.SessionToken(token), Action: authz.Write, Resource: authz.Resource{Type: authz.ConnecEntity, ID: group + "/invoices"}}
	check := func(ctx context.Context, _ int) error {
		d, err := e.Authorize(ctx, req)
		if err == nil && !d.Allowed {
			err = fmt.Errorf("denied: %s", d.Reason)
		}
		return err
	}
	var out []row
	// In process a decision is shorter than reading the clock is exact: measure a thousand at a time.
	inside, err := load(ctx, 1, s.each, func(ctx context.Context, n int) error {
		for range 1000 {
			if err := check(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	inside.rate, inside.p50, inside.p99 = inside.rate*1000, inside.p50/1000, inside.p99/1000
	out = append(out, row{operation: "in process", clients: 1, ours: inside})

	key, err := e.PutClient(ctx, idm.Client{ID: "svc-bench", Kind: idm.ServiceClient, Name: "bench"}, "")
	if err != nil {
		return nil, err
	}
	srv := httptest.NewServer(authz.Middleware(idmhttp.NewHandler(e)))
	defer srv.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Subject, Action, Resource map[string]any }
		b, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(b, &in); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"decision": true, "context": map[string]any{"organization": organization}})
	}))
	defer bare.Close()
	question := fmt.Appendf(nil, `{"subject":{"type":"session","id":%q},"action":{"name":"write"},"resource":{"type":"connec_entity","id":%q}}`, token, group+"/invoices")
	auth := func(r *http.Request) { r.SetBasicAuth("svc-bench", key) }
	ours, least := newCaller(srv.URL, auth), newCaller(bare.URL, auth)
	for _, c := range s.clients {
		a, err := load(ctx, c, s.each, func(ctx context.Context, _ int) error {
			_, err := ours.do(ctx, http.MethodPost, "/access/v1/evaluation", question, 200)
			return err
		})
		if err != nil {
			return nil, err
		}
		b, err := load(ctx, c, s.each, func(ctx context.Context, _ int) error {
			_, err := least.do(ctx, http.MethodPost, "/access/v1/evaluation", question, 200)
			return err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, row{operation: "HTTP", clients: c, ours: a, floor: b})
	}
	return out, nil
}
