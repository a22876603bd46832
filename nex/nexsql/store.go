// Package nexsql keeps nex's wishes in a database: SQLite or PostgreSQL.
//
//	db, err := entsqlite.Open("nex.db")
//	store := nexsql.New(db, dialect.SQLite)
//	err = store.Migrate(ctx)
//	engine := nex.New(store, backend, authorizer, nex.WithKey(key))
//
// The tables begin with "nex_" and may share a database with other tables.
package nexsql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/ensemble-platform/ensemble/ent/entmigrate"
	"github.com/ensemble-platform/ensemble/ent/nexdb"
	"github.com/ensemble-platform/ensemble/ent/nexdb/app"
	"github.com/ensemble-platform/ensemble/ent/nexdb/durationsample"
	"github.com/ensemble-platform/ensemble/ent/nexdb/template"
	"github.com/ensemble-platform/ensemble/nex"
)

//go:embed migrations
var migrations embed.FS

const versionTable = "nex_migrations"

// Store is a nex.Store in a database.
type Store struct {
	db      *sql.DB
	dialect string
	client  *nexdb.Client
}

var _ nex.Store = (*Store)(nil)

// New makes a Store on db, which stays the caller's to close. entDialect is dialect.SQLite or dialect.Postgres of
// entgo.io/ent/dialect. A SQLite database must be opened as entsqlite.Open does.
func New(db *sql.DB, entDialect string) *Store {
	return &Store{db: db, dialect: entDialect, client: nexdb.NewClient(nexdb.Driver(entsql.OpenDB(entDialect, db)))}
}

// Migrate brings the tables to the newest schema.
func (s *Store) Migrate(ctx context.Context) error {
	return entmigrate.Up(ctx, s.db, s.dialect, migrations, versionTable)
}

// Migrations are the goose files for a dialect, for those who run them with a tool of their own.
func Migrations(entDialect string) (fs.FS, error) { return entmigrate.FS(migrations, entDialect) }

// Ready reports whether the database answers and has the tables.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.client.App.Query().Exist(ctx)
	return wrap("ready", err)
}

// PutTemplate creates or replaces a template.
func (s *Store) PutTemplate(ctx context.Context, t nex.TemplateRecord) error {
	err := s.client.Template.Create().
		SetID(t.Name).SetVersion(t.Version).SetCommand(orNone(t.Command)).SetHealthPath(t.HealthPath).
		SetStopGrace(t.StopGrace.Microseconds()).SetSealed(t.Sealed).
		OnConflictColumns(template.FieldID).UpdateNewValues().
		Exec(ctx)
	return wrap("put template "+t.Name, err)
}

// GetTemplate returns a template.
func (s *Store) GetTemplate(ctx context.Context, name string) (*nex.TemplateRecord, error) {
	row, err := s.client.Template.Get(ctx, name)
	if err != nil {
		return nil, wrap(fmt.Sprintf("template %q", name), err)
	}
	return fromDBTemplate(row), nil
}

// ListTemplates lists by name.
func (s *Store) ListTemplates(ctx context.Context) ([]*nex.TemplateRecord, error) {
	rows, err := s.client.Template.Query().All(ctx)
	if err != nil {
		return nil, wrap("list templates", err)
	}
	out := make([]*nex.TemplateRecord, len(rows))
	for i, row := range rows {
		out[i] = fromDBTemplate(row)
	}
	// Databases order text each in their own way.
	slices.SortFunc(out, func(a, b *nex.TemplateRecord) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// CreateApp adds an app.
func (s *Store) CreateApp(ctx context.Context, r nex.AppRecord) error {
	err := s.client.App.Create().
		SetID(r.UID).SetOrganization(r.Organization).SetTemplate(r.Template).SetCreatedAt(micros(r.CreatedAt)).
		SetName(r.Name).SetStatus(string(r.Status)).SetNextStatus(string(r.NextStatus)).SetErrors(orNone(r.Errors)).SetRestarts(r.Restarts).
		SetStartedAt(micros(r.StartedAt)).SetStoppedAt(micros(r.StoppedAt)).SetTerminatedAt(micros(r.TerminatedAt)).
		SetSealed(r.Sealed).SetOperation(r.Operation).SetAttempts(r.Attempts).SetRetryAt(micros(r.RetryAt)).
		Exec(ctx)
	return wrap("create app "+r.UID, err)
}

// GetApp returns an app.
func (s *Store) GetApp(ctx context.Context, uid string) (*nex.AppRecord, error) {
	row, err := s.client.App.Get(ctx, uid)
	if err != nil {
		return nil, wrap(fmt.Sprintf("app %q", uid), err)
	}
	return fromDBApp(row), nil
}

// ListApps lists by uid.
func (s *Store) ListApps(ctx context.Context, f nex.AppFilter) ([]*nex.AppRecord, error) {
	q := s.client.App.Query()
	if f.Organization != "" {
		q = q.Where(app.Organization(f.Organization))
	}
	if !f.Terminated {
		q = q.Where(app.StatusNEQ(string(nex.Terminated)))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, wrap("list apps", err)
	}
	out := make([]*nex.AppRecord, len(rows))
	for i, row := range rows {
		out[i] = fromDBApp(row)
	}
	slices.SortFunc(out, func(a, b *nex.AppRecord) int { return strings.Compare(a.UID, b.UID) })
	return out, nil
}

// UpdateApp changes an app.
func (s *Store) UpdateApp(ctx context.Context, uid string, change func(*nex.AppRecord) error) (*nex.AppRecord, error) {
	what := "update app " + uid
	// On SQLite the transaction holds the write lock from the beginning; on PostgreSQL the row is locked.
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return nil, wrap(what, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	q := tx.App.Query().Where(app.ID(uid))
	if s.dialect == dialect.Postgres {
		q = q.ForUpdate()
	}
	row, err := q.Only(ctx)
	if err != nil {
		return nil, wrap(what, err)
	}
	r := fromDBApp(row)
	if err := change(r); err != nil {
		return nil, err
	}
	row, err = tx.App.UpdateOne(row).
		SetName(r.Name).SetStatus(string(r.Status)).SetNextStatus(string(r.NextStatus)).SetErrors(orNone(r.Errors)).SetRestarts(r.Restarts).
		SetStartedAt(micros(r.StartedAt)).SetStoppedAt(micros(r.StoppedAt)).SetTerminatedAt(micros(r.TerminatedAt)).
		SetSealed(r.Sealed).SetOperation(r.Operation).SetAttempts(r.Attempts).SetRetryAt(micros(r.RetryAt)).
		Save(ctx)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return nil, wrap(what, err)
	}
	return fromDBApp(row), nil
}

// AddDuration remembers a duration and forgets the oldest.
func (s *Store) AddDuration(ctx context.Context, name string, status nex.Status, d time.Duration) error {
	what := "add duration"
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return wrap(what, err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.DurationSample.Create().SetTemplate(name).SetStatus(string(status)).SetDuration(d.Microseconds()).Exec(ctx); err != nil {
		return wrap(what, err)
	}
	old, err := tx.DurationSample.Query().Where(durationsample.Template(name), durationsample.Status(string(status))).
		Order(nexdb.Desc(durationsample.FieldID)).Offset(nex.DurationSamples).Limit(1000).IDs(ctx)
	if err == nil && len(old) > 0 {
		_, err = tx.DurationSample.Delete().Where(durationsample.IDIn(old...)).Exec(ctx)
	}
	if err == nil {
		err = tx.Commit()
	}
	return wrap(what, err)
}

// Durations returns what AddDuration kept.
func (s *Store) Durations(ctx context.Context, name string) (map[nex.Status][]time.Duration, error) {
	rows, err := s.client.DurationSample.Query().Where(durationsample.Template(name)).Order(nexdb.Desc(durationsample.FieldID)).All(ctx)
	if err != nil {
		return nil, wrap("durations", err)
	}
	out := map[nex.Status][]time.Duration{}
	for _, row := range rows {
		status := nex.Status(row.Status)
		if len(out[status]) < nex.DurationSamples {
			out[status] = append(out[status], time.Duration(row.Duration)*time.Microsecond)
		}
	}
	return out, nil
}

// wrap turns the database's errors into nex's, and says what was being done.
func wrap(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case nexdb.IsNotFound(err):
		return fmt.Errorf("%s: %w", what, nex.ErrNotFound)
	case nexdb.IsConstraintError(err):
		return fmt.Errorf("%s: %w", what, errors.Join(nex.ErrConflict, err))
	}
	return fmt.Errorf("nexsql: %s: %w", what, err)
}
