package nex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// newProber makes a client that asks anew each time and follows nothing.
func newProber() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:       (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			DisableKeepAlives: true,
		},
	}
}

// probe asks an app whether it is healthy: nil, or why not.
func (e *Engine) probe(ctx context.Context, uid, addr, path string) error {
	if path == "" {
		path = "/"
	}
	ctx, cancel := context.WithTimeout(ctx, e.health.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	if u, err := url.Parse(e.url(uid)); err == nil {
		req.Host = u.Host // an app may answer to its public name alone
	}
	req.Header.Set("User-Agent", "nex-health")
	resp, err := e.prober.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the address says nothing to people
		}
		return fmt.Errorf("GET %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode >= 400 {
		return fmt.Errorf("GET %s answered %s", path, resp.Status)
	}
	return nil
}
