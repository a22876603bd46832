// Package connecsql keeps connec's data in SQLite or PostgreSQL:
//
//	db, err := entsqlite.Open("connec.db") // or sql.Open("pgx", dsn)
//	store, err := connecsql.New(db, dialect.SQLite) // or dialect.Postgres
//	err = store.Migrate(ctx)
//	engine := connec.New(store, …)
//
// Concurrent updates share transactions of the database, so that many writers wait for one sync of the disk. An update is
// acknowledged after the commit only. A SQLite database must be opened as entsqlite.Open does (WAL, full
// synchronisation, transactions that take the write lock when they begin). Several processes may share one PostgreSQL
// database: their updates take turns.
//
// The store writes instants as microseconds since 1970, and JSON as text (SQLite) or jsonb (PostgreSQL).
// [WithKey] encrypts the secrets of subscriptions.
package connecsql
