package connecsql

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/ensemble-platform/ensemble/ent/entmigrate"
)

// VersionTable records which migrations a database has.
const VersionTable = "connec_migrations"

//go:embed migrations
var migrations embed.FS

// Migrate brings the database to the schema that this version of the store needs. It is safe to call at every start, also
// from several processes on one PostgreSQL database.
func (s *Store) Migrate(ctx context.Context) error {
	if err := entmigrate.Up(ctx, s.db, s.dialect.name, migrations, VersionTable); err != nil {
		return fmt.Errorf("connec: %w", err)
	}
	return nil
}

// Migrations returns the migration files of an ent dialect, in goose's format, for those who apply them with a tool of their own.
func Migrations(dialect string) (fs.FS, error) {
	return entmigrate.FS(migrations, dialect)
}
