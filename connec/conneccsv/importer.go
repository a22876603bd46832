package conneccsv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/expr-lang/expr/vm"

	"github.com/ensemble-platform/ensemble/connec"
)

// Importer runs a mapping over a folder.
//
// Every record carries an external id made of its row's id, so that it is found again: an import that is run twice, or
// again after it was cut off, creates nothing twice and leaves what is the same untouched. A Checkpoint only saves time.
type Importer struct {
	// Service is where the records go, with Group: an organization ("org-…") or an app instance ("cld-…") that ctx's
	// credential may write to.
	Service connec.Service
	Group   string
	Mapping *Mapping
	// Source is the folder of the files.
	Source fs.FS
	// BatchSize is the number of records sent at once: 100 when 0.
	BatchSize int
	// Checkpoint remembers how far an import has come; nil means it begins at the beginning.
	Checkpoint Checkpoint
	// Progress is called after each batch; nil is fine.
	Progress func(Progress)
	// MaxErrors is how many refused rows end the import: 100 when 0.
	MaxErrors int
	// Retry is how long a server that can't be reached is tried again: 2 minutes when 0.
	Retry time.Duration
}

// Progress is how far an import has come with one entity.
type Progress struct {
	Entity string
	// Index counts the entities from 0, Entities is how many there are.
	Index, Entities int
	Report
	Done bool
}

// Report counts rows.
type Report struct {
	Rows    int // read and not skipped
	Created int // records that weren't there
	Found   int // records that were
	Failed  int
	Errors  []RowError // at most MaxErrors
}

// RowError is a row that was refused.
type RowError struct {
	Entity, File string
	Line         int
	Err          error
}

func (e RowError) Error() string {
	return fmt.Sprintf("%s:%d (%s): %v", e.File, e.Line, e.Entity, e.Err)
}

// Unwrap returns Err.
func (e RowError) Unwrap() error { return e.Err }

// ErrTooManyErrors ends an import whose rows are refused again and again.
var ErrTooManyErrors = errors.New("too many rows were refused")

// Checkpoint remembers positions between runs. Load returns 0 for what it doesn't know.
type Checkpoint interface {
	Load(entity string) (rows int, err error)
	Save(entity string, rows int) error
}

// entity is an Entity made ready.
type entity struct {
	Entity
	table *table
	where *vm.Program
	id    *vm.Program
	attrs template
}

// Run imports everything. The report is what was done, also when there is an error. Rows that are refused don't stop the others
// until there are MaxErrors of them.
func (im *Importer) Run(ctx context.Context) (*Report, error) {
	total := &Report{}
	entities, err := im.prepare()
	defer func() {
		for _, e := range entities {
			e.table.close()
		}
	}()
	if err != nil {
		return total, err
	}
	for i, e := range entities {
		if err := im.entity(ctx, i, len(entities), e, total); err != nil {
			return total, fmt.Errorf("import %s: %w", e.Name, err)
		}
	}
	return total, nil
}

// prepare opens every file and compiles every expression, so that a mistake shows before the first record is sent.
func (im *Importer) prepare() ([]*entity, error) {
	indexes := map[string]*index{}
	for name, l := range im.Mapping.Lookups {
		ix, err := loadIndex(im.Source, l)
		if err != nil {
			return nil, fmt.Errorf("lookup %s: %w", name, err)
		}
		indexes[name] = ix
	}
	var out []*entity
	for _, spec := range im.Mapping.Entities {
		t, err := openTable(im.Source, spec.File)
		if err != nil {
			return out, fmt.Errorf("%s: %w", spec.Name, err)
		}
		e := &entity{Entity: spec, table: t}
		out = append(out, e)
		s := &scope{m: im.Mapping, indexes: indexes, columns: map[string][]string{"row": t.header}}
		if spec.Where != "" {
			if e.where, err = s.compile(trimEquals(spec.Where)); err != nil {
				return out, fmt.Errorf("%s: where: %w", spec.Name, err)
			}
		}
		if e.id, err = s.compile(trimEquals(spec.ID)); err != nil {
			return out, fmt.Errorf("%s: id: %w", spec.Name, err)
		}
		if e.attrs, err = s.compileMap("attributes", spec.Attributes); err != nil {
			return out, fmt.Errorf("%s: %w", spec.Name, err)
		}
	}
	return out, nil
}

func trimEquals(s string) string {
	if len(s) > 0 && s[0] == '=' {
		return s[1:]
	}
	return s
}

func (im *Importer) entity(ctx context.Context, i, n int, e *entity, total *Report) error {
	done := 0
	if im.Checkpoint != nil {
		var err error
		if done, err = im.Checkpoint.Load(e.Name); err != nil {
			return err
		}
	}
	size := im.BatchSize
	if size <= 0 {
		size = 100
	}
	rep := Report{}
	tell := func(last bool) {
		if im.Progress != nil {
			im.Progress(Progress{Entity: e.Name, Index: i, Entities: n, Report: rep, Done: last})
		}
	}
	read := 0
	var ops []connec.Op
	var lines []int
	flush := func() error {
		if len(ops) > 0 {
			results, err := im.send(ctx, ops)
			if err != nil {
				return err
			}
			for k, r := range results {
				switch {
				case r.Err != nil:
					im.refused(e, lines[k], r.Err, &rep, total)
				case r.Outcome == connec.Created:
					rep.Created++
					total.Created++
				default:
					rep.Found++
					total.Found++
				}
			}
			rep.Rows += len(ops)
			total.Rows += len(ops)
			ops, lines = ops[:0], lines[:0]
		}
		if im.Checkpoint != nil {
			if err := im.Checkpoint.Save(e.Name, read); err != nil {
				return err
			}
		}
		tell(false)
		if total.Failed >= im.maxErrors() {
			return fmt.Errorf("%w: %d; the first: %w", ErrTooManyErrors, total.Failed, total.Errors[0])
		}
		return nil
	}
	for {
		row, line, err := e.table.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if read++; read <= done {
			continue
		}
		op, ok, err := im.op(e, row)
		switch {
		case err != nil:
			rep.Rows++
			total.Rows++
			im.refused(e, line, err, &rep, total)
		case ok:
			ops, lines = append(ops, op), append(lines, line)
		}
		if len(ops) == size || total.Failed >= im.maxErrors() {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	tell(true)
	return nil
}

func (im *Importer) maxErrors() int {
	if im.MaxErrors <= 0 {
		return 100
	}
	return im.MaxErrors
}

func (im *Importer) refused(e *entity, line int, err error, rep, total *Report) {
	r := RowError{Entity: e.Name, File: e.table.name, Line: line, Err: err}
	rep.Failed++
	total.Failed++
	if len(total.Errors) < im.maxErrors() {
		rep.Errors = append(rep.Errors, r)
		total.Errors = append(total.Errors, r)
	}
}

// op makes the record of a row; ok is false when the row is skipped.
func (im *Importer) op(e *entity, row Row) (op connec.Op, ok bool, err error) {
	vars := map[string]any{"row": row}
	if e.where != nil {
		keep, _, err := run(e.where, "where", vars)
		if err != nil {
			return op, false, err
		}
		b, isBool := keep.(bool)
		if !isBool {
			return op, false, fmt.Errorf("where: %v is neither true nor false", keep)
		}
		if !b {
			return op, false, nil
		}
	}
	id, _, err := run(e.id, "id", vars)
	if err != nil {
		return op, false, err
	}
	if id == nil || id == "" {
		return op, false, errors.New("id: is blank")
	}
	attrs, _, err := e.attrs(vars)
	if err != nil {
		return op, false, err
	}
	return connec.Op{
		Group: im.Group, Collection: e.Collection, Attributes: attrs.(map[string]any),
		WriteOptions: connec.WriteOptions{
			ExternalIDs:    connec.IDSet{{ID: fmt.Sprint(id), Provider: im.Mapping.Provider, Realm: im.Mapping.Realm}},
			MatchingFields: e.MatchingFields,
			// The row is all there is: lines that are gone from it are gone.
			Authoritative: true,
		},
	}, true, nil
}

// send delivers a batch. A server that is away is waited for: the batch may arrive twice, which changes nothing.
func (im *Importer) send(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	b := backoff.NewExponentialBackOff(backoff.WithMaxElapsedTime(2 * time.Minute))
	if im.Retry > 0 {
		b.MaxElapsedTime = im.Retry
	}
	return backoff.RetryWithData(func() ([]connec.OpResult, error) {
		results, err := im.Service.Batch(ctx, ops)
		if err != nil && !temporary(err) {
			return nil, backoff.Permanent(err)
		}
		if err == nil && len(results) != len(ops) {
			return nil, backoff.Permanent(fmt.Errorf("the server answered %d of %d operations", len(results), len(ops)))
		}
		return results, err
	}, backoff.WithContext(b, ctx))
}
