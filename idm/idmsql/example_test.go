package idmsql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"entgo.io/ent/dialect"

	"github.com/ensemble-platform/ensemble/ent/entsqlite"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmsql"
)

func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "idm")
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := entsqlite.Open(filepath.Join(dir, "idm.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()

	store := idmsql.New(db, dialect.SQLite)
	if err := store.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	svc := idm.New(store)
	u, err := svc.CreateUser(ctx, idm.User{Email: "ann@example.com"}, "correct horse battery")
	fmt.Println(u.Number, err)
	// Output: 1 <nil>
}
