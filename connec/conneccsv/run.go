package conneccsv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
)

// run is one Run of an Importer.
type run struct {
	*Importer
	total Report
	// reached says that the server has answered once: from then on it is waited for.
	reached bool
}

// part is a run's work on one entity.
type part struct {
	*run
	entity *entity
	tell   func(last bool)
	report Report
	// read counts the rows of the file so far, and refused is the number of the first one that was refused, 0 for none.
	read, refused int
	// ops wait to be sent; origins are the rows they come from.
	ops     []connec.Op
	origins []origin
}

type origin struct{ row, line int }

func (r *run) entity(ctx context.Context, i, n int, e *entity) error {
	done := 0
	if r.Checkpoint != nil {
		var err error
		if done, err = r.Checkpoint.Load(e.Name); err != nil {
			return err
		}
	}
	keep := false
	if e.OnlyIfEmpty && done == 0 {
		var err error
		if keep, err = r.filled(ctx, e.Collection); err != nil {
			return err
		}
	}
	p := &part{run: r, entity: e}
	p.tell = func(last bool) {
		if r.Progress != nil {
			r.Progress(Progress{Entity: e.Name, Index: i, Entities: n, Report: p.report, Done: last})
		}
	}
	for {
		row, line, err := e.table.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if p.read++; p.read <= done {
			continue
		}
		p.take(row, line, keep)
		if len(p.ops) == r.batchSize() || r.total.Failed >= r.maxErrors() {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	p.tell(true)
	return nil
}

// filled reports whether a collection holds anything. A record that nobody has filled in doesn't count.
func (r *run) filled(ctx context.Context, collection string) (bool, error) {
	page, err := answer(ctx, r, func() (*connec.Page, error) {
		return r.Service.List(ctx, r.Group, collection, connec.Query{Top: 2})
	})
	if err != nil {
		return false, err
	}
	return page.Total > 1 || len(page.Resources) > 0 && len(page.Resources[0].Attributes) > 0, nil
}

// take makes an operation of a row, unless the row is skipped, kept or refused.
func (p *part) take(row Row, line int, keep bool) {
	at := origin{p.read, line}
	wanted, err := p.wanted(p.entity, row)
	if err == nil && !wanted {
		return
	}
	if err == nil && keep {
		p.count(func(r *Report) { r.Rows++; r.Found++; r.Kept++ })
		return
	}
	var op connec.Op
	if err == nil {
		op, err = p.op(p.entity, row)
	}
	if err != nil {
		p.count(func(r *Report) { r.Rows++ })
		p.refuse(at, err)
		return
	}
	p.ops, p.origins = append(p.ops, op), append(p.origins, at)
}

// flush sends what waits and remembers how far that is.
func (p *part) flush(ctx context.Context) error {
	if len(p.ops) > 0 {
		results, err := p.send(ctx, p.ops)
		if err != nil {
			return err
		}
		for i, res := range results {
			switch {
			case res.Err != nil:
				p.refuse(p.origins[i], res.Err)
			case res.Outcome == connec.Created:
				p.count(func(r *Report) { r.Created++ })
			default:
				p.count(func(r *Report) { r.Found++ })
			}
		}
		p.count(func(r *Report) { r.Rows += len(results) })
		p.ops, p.origins = p.ops[:0], p.origins[:0]
	}
	if p.Checkpoint != nil {
		// A refused row is tried again, so what lies behind it must be read again.
		done := p.read
		if p.refused > 0 {
			done = p.refused - 1
		}
		if err := p.Checkpoint.Save(p.entity.Name, done); err != nil {
			return err
		}
	}
	p.tell(false)
	if p.total.Failed >= p.maxErrors() {
		return fmt.Errorf("%w: %d; the first: %w", ErrTooManyErrors, p.total.Failed, p.total.Errors[0])
	}
	return nil
}

func (p *part) count(add func(*Report)) {
	add(&p.report)
	add(&p.total)
}

func (p *part) refuse(at origin, err error) {
	if p.refused == 0 || at.row < p.refused {
		p.refused = at.row
	}
	e := RowError{Entity: p.entity.Name, File: p.entity.table.name, Line: at.line, Err: err}
	room := len(p.total.Errors) < p.maxErrors()
	p.count(func(r *Report) {
		if r.Failed++; room {
			r.Errors = append(r.Errors, e)
		}
	})
}

// send delivers a batch, which may arrive twice and then changes nothing. What is wrong with all of it, whatever the rows say, is an error.
func (r *run) send(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	results, err := answer(ctx, r, func() ([]connec.OpResult, error) {
		results, err := r.Service.Batch(ctx, ops)
		if err == nil && len(results) != len(ops) {
			err = fmt.Errorf("the server answered %d of %d operations", len(results), len(ops))
		}
		return results, err
	})
	if err != nil {
		return nil, err
	}
	for _, res := range results {
		if !hopeless(res.Err) {
			return results, nil
		}
	}
	return nil, results[0].Err
}

// hopeless reports whether an operation failed for what all operations of its entity have in common.
func hopeless(err error) bool {
	return errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, authz.ErrDenied) || errors.Is(err, connec.ErrUnknownCollection)
}

// answer calls the server until it answers. One that has answered before may be away for a while.
func answer[T any](ctx context.Context, r *run, call func() (T, error)) (T, error) {
	b := backoff.NewExponentialBackOff(backoff.WithMaxElapsedTime(2 * time.Minute))
	if r.Retry > 0 {
		b.MaxElapsedTime = r.Retry
	}
	v, err := backoff.RetryNotifyWithData(func() (T, error) {
		v, err := call()
		if err != nil && (!temporary(err) || unreachable(err) && !r.reached) {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithContext(b, ctx), func(err error, _ time.Duration) {
		if r.Waiting != nil {
			r.Waiting(err)
		}
	})
	switch {
	case err == nil:
		r.reached = true
	case ctx.Err() == nil && unreachable(err):
		err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return v, err
}
