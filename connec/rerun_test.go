package connec_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

// rerunning is a store that runs every function twice, as a store that commits in groups may, and undoes the first run.
type rerunning struct{ connec.Store }

var errUndo = errors.New("undo")

func (s rerunning) Update(ctx context.Context, fn func(connec.Tx) error) error {
	err := s.Store.Update(ctx, func(tx connec.Tx) error {
		_ = fn(numbered{tx})
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// numbered keeps the first run from using up numbers, which need not be undone.
type numbered struct{ connec.Tx }

func (numbered) NextNumber(context.Context, string, string) (int64, error) { return 999, nil }

func TestServiceRerun(t *testing.T) {
	connectest.TestService(t, func(_ *testing.T, a authz.Authorizer) connec.Service {
		return connec.New(rerunning{connecmem.New()}, a)
	})
}

// failing is a store that fails, rather than refuses, when it should keep a record called "bad".
type failing struct{ connec.Store }

type failingTx struct{ connec.Tx }

var errDisk = errors.New("disk on fire")

func (s failing) Update(ctx context.Context, fn func(connec.Tx) error) error {
	return s.Store.Update(ctx, func(tx connec.Tx) error { return fn(failingTx{tx}) })
}

func (t failingTx) Insert(ctx context.Context, r *connec.Resource) error {
	if r.Attributes["name"] == "bad" {
		return errDisk
	}
	return t.Tx.Insert(ctx, r)
}

func TestBatchIsolatesFailures(t *testing.T) {
	ctx := authz.WithCredential(t.Context(), connectest.AppKey("app-shop"))
	e := connec.New(failing{connecmem.New()}, connectest.NewAuthorizer())
	var ops []connec.Op
	for _, name := range []string{"a", "bad", "b", "bad", "c"} {
		ops = append(ops, connec.Op{Group: connectest.Shop, Collection: "items", Attributes: map[string]any{"name": name}})
	}
	rs, err := e.Batch(ctx, ops)
	require.NoError(t, err)
	for i, r := range rs {
		if i%2 == 1 {
			require.ErrorIs(t, r.Err, errDisk)
			require.Nil(t, r.Resource)
			continue
		}
		require.NoError(t, r.Err)
	}
	feed, err := e.Changes(ctx, connectest.Shop, connec.FeedQuery{})
	require.NoError(t, err)
	require.Len(t, feed.Changes, 3, "what could be written is, once")
}
