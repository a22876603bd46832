package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"github.com/ensemble-platform/ensemble/internal/id"
)

// floor is the least server: no validation, no authorisation, no model. It keeps what it is sent, an audit row and an outbox row.
type floor struct {
	db                               *sql.DB
	insert, audit, outbox, get, list string
}

func newFloor(ctx context.Context, db *sql.DB, d string) (*floor, error) {
	f := &floor{
		db:     db,
		insert: `INSERT INTO floor_records (id, name, is_customer, at, data) VALUES (?, ?, ?, ?, ?)`,
		audit:  `INSERT INTO floor_audit (record_id, who, at, data) VALUES (?, ?, ?, ?)`,
		outbox: `INSERT INTO floor_outbox (id, record_id, at) VALUES (?, ?, ?)`,
		get:    `SELECT data FROM floor_records WHERE id = ?`,
		list:   `SELECT data FROM floor_records WHERE is_customer = ? ORDER BY at DESC, id LIMIT 20`,
	}
	serial := "INTEGER PRIMARY KEY AUTOINCREMENT"
	if d == dialect.Postgres {
		serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
		for _, q := range []*string{&f.insert, &f.audit, &f.outbox, &f.get, &f.list} {
			*q = numbered(*q)
		}
	}
	for _, q := range []string{
		`CREATE TABLE floor_records (id VARCHAR(40) PRIMARY KEY, name TEXT, is_customer BOOLEAN, at VARCHAR(40), data TEXT)`,
		`CREATE INDEX floor_records_list ON floor_records (is_customer, at, id)`,
		`CREATE TABLE floor_audit (seq ` + serial + `, record_id VARCHAR(40), who TEXT, at VARCHAR(40), data TEXT)`,
		`CREATE TABLE floor_outbox (id VARCHAR(40) PRIMARY KEY, record_id VARCHAR(40), at VARCHAR(40))`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// numbered turns ? into $1, $2, ….
func numbered(q string) string {
	for n := '1'; strings.Contains(q, "?"); n++ {
		q = strings.Replace(q, "?", "$"+string(n), 1)
	}
	return q
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	switch {
	case r.Method == http.MethodPost:
		err = f.create(w, r)
	case r.URL.Path == "/list":
		err = f.page(w, r)
	default:
		err = f.show(w, r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (f *floor) create(w http.ResponseWriter, r *http.Request) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var rec struct {
		Organizations struct {
			Name       string `json:"name"`
			IsCustomer bool   `json:"is_customer"`
		} `json:"organizations"`
	}
	if err := json.Unmarshal(b, &rec); err != nil {
		return err
	}
	key, at := id.UUID(), time.Now().UTC().Format(time.RFC3339Nano)
	tx, err := f.db.BeginTx(r.Context(), nil)
	if err != nil {
		return err
	}
	_, e1 := tx.ExecContext(r.Context(), f.insert, key, rec.Organizations.Name, rec.Organizations.IsCustomer, at, string(b))
	_, e2 := tx.ExecContext(r.Context(), f.audit, key, "somebody", at, string(b))
	_, e3 := tx.ExecContext(r.Context(), f.outbox, id.UUID(), key, at)
	if err := errors.Join(e1, e2, e3); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/"+key)
	w.WriteHeader(http.StatusCreated)
	_, err = w.Write(b)
	return err
}

func (f *floor) show(w http.ResponseWriter, r *http.Request) error {
	var data string
	if err := f.db.QueryRowContext(r.Context(), f.get, strings.TrimPrefix(r.URL.Path, "/")).Scan(&data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err := io.WriteString(w, data)
	return err
}

func (f *floor) page(w http.ResponseWriter, r *http.Request) error {
	rows, err := f.db.QueryContext(r.Context(), f.list, true)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var b strings.Builder
	b.WriteString(`[`)
	for rows.Next() {
		var data string
		if err := rows.Scan(&data); err != nil {
			return err
		}
		if b.Len() > 1 {
			b.WriteString(",")
		}
		b.WriteString(data)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	b.WriteString("]")
	w.Header().Set("Content-Type", "application/json")
	_, err = io.WriteString(w, b.String())
	return err
}
