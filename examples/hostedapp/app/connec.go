package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// connec speaks Connec's wire: JSON under the collection's name, and the app's own credential with HTTP Basic.
type connec struct {
	cfg  Config
	http *http.Client
}

func newConnec(cfg Config) *connec {
	return &connec{cfg: cfg, http: &http.Client{Timeout: 10 * time.Second}}
}

// refusedError is an answer that a person can do something about.
type refusedError struct {
	status int
	detail string
}

func (e *refusedError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.status, e.detail) }

// call sends one request below /api/v2/GROUP and reads what the answer holds under the collection's name.
func (c *connec) call(ctx context.Context, method, collection, id string, query url.Values, send, out any) error {
	if !c.cfg.shares() {
		return errors.New("started without Connec")
	}
	u := c.cfg.ConnecURL + "/api/v2/" + url.PathEscape(c.cfg.GroupID) + "/" + collection
	if id != "" {
		u += "/" + url.PathEscape(id)
	}
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	var body io.Reader
	if send != nil {
		b, err := json.Marshal(map[string]any{collection: send})
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.cfg.APIKey, c.cfg.APISecret)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &refusedError{resp.StatusCode, detail(b)}
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(b, &answer); err != nil {
		return fmt.Errorf("read Connec's answer: %w", err)
	}
	if err := json.Unmarshal(answer[collection], out); err != nil {
		return fmt.Errorf("read Connec's answer: %w", err)
	}
	return nil
}

// detail is what an error document says.
func detail(body []byte) string {
	var doc struct {
		Errors []struct {
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &doc)
	var parts []string
	for _, e := range doc.Errors {
		parts = append(parts, e.Detail)
	}
	return strings.Join(parts, "; ")
}

// newest are the query parameters for the last n records that pass filter.
func newest(n int, filter string) url.Values {
	q := url.Values{"$top": {fmt.Sprint(n)}, "$orderby": {"created_at desc"}}
	if filter != "" {
		q.Set("$filter", filter)
	}
	return q
}

// What the app reads of Connec's records.

type company struct {
	Name     string `json:"name"`
	Currency string `json:"currency"`
}

type organization struct {
	ID    string `json:"id"`
	Code  string `json:"code"`
	Name  string `json:"name"`
	Email struct {
		Address string `json:"address"`
	} `json:"email"`
}

type person struct {
	ID        string `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	JobTitle  string `json:"job_title"`
}

type quote struct {
	ID             string      `json:"id"`
	Code           string      `json:"code"`
	Title          string      `json:"title"`
	Status         string      `json:"status"`
	OrganizationID string      `json:"organization_id"`
	Amount         amount      `json:"amount"`
	Lines          []quoteLine `json:"lines"`
	CreatedAt      time.Time   `json:"created_at"`
}

type quoteLine struct {
	Description string      `json:"description"`
	Quantity    json.Number `json:"quantity"`
	UnitPrice   amount      `json:"unit_price"`
}

type amount struct {
	Net      json.Number `json:"net_amount,omitempty"`
	Total    json.Number `json:"total_amount,omitempty"`
	Currency string      `json:"currency,omitempty"`
}

// createdFrom is this app's id of an invoice: with it, accepting a quote twice makes one invoice.
func (c *connec) createdFrom(quoteID string) []map[string]string {
	return []map[string]string{{"id": "quote-" + quoteID, "provider": "quotes", "realm": c.cfg.GroupID}}
}
