package conneccsv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/vm"

	"github.com/ensemble-platform/ensemble/connec"
)

// Importer runs a mapping over a folder.
//
// Every record carries an external id made of its row's id, so that it is found again: an import that is run twice, or
// again after it was cut off, creates nothing twice and leaves what is the same untouched. A Checkpoint only saves time.
// It must not outlive a change of the files: positions are numbers of rows.
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
	// Retry is how long a server that is gone is tried again: 2 minutes when 0. One that has never answered isn't.
	Retry time.Duration
	// Waiting is called each time a server that was there doesn't answer; nil is fine.
	Waiting func(err error)
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
	Kept    int // those of Found that were left as they are, by Entity.OnlyIfEmpty
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

// Errors that end an import.
var (
	// ErrTooManyErrors: rows are refused again and again.
	ErrTooManyErrors = errors.New("too many rows were refused")
	// ErrUnreachable: the server never answered, or was gone for longer than Retry.
	ErrUnreachable = errors.New("the server can't be reached")
)

// MissingFilesError names the files of a mapping that the source lacks.
type MissingFilesError struct {
	Files []string
}

func (e *MissingFilesError) Error() string { return "no such file: " + strings.Join(e.Files, ", ") }

// Unwrap returns fs.ErrNotExist.
func (e *MissingFilesError) Unwrap() error { return fs.ErrNotExist }

// Checkpoint remembers between runs how many rows of an entity need not be looked at again. Load returns 0 for what it doesn't
// know. A row that was refused is never among them, nor is any row after it.
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
// until there are MaxErrors of them; a whole batch that is refused for want of access or of the collection does.
func (im *Importer) Run(ctx context.Context) (*Report, error) {
	entities, err := im.prepare()
	defer func() {
		for _, e := range entities {
			e.table.close()
		}
	}()
	r := &run{Importer: im}
	if err != nil {
		return &r.total, err
	}
	for i, e := range entities {
		if err := r.entity(ctx, i, len(entities), e); err != nil {
			return &r.total, fmt.Errorf("import %s: %w", e.Name, err)
		}
	}
	return &r.total, nil
}

// prepare opens every file and compiles every expression, so that a mistake shows before the first record is sent.
func (im *Importer) prepare() ([]*entity, error) {
	if missing := im.missing(); len(missing) > 0 {
		return nil, &MissingFilesError{missing}
	}
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

// missing lists the files that aren't there, so that one sees them all at once.
func (im *Importer) missing() []string {
	var names []string
	for _, l := range im.Mapping.Lookups {
		names = append(names, l.File)
	}
	for _, e := range im.Mapping.Entities {
		names = append(names, e.File)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		_, err := fs.Stat(im.Source, name)
		_, gzErr := fs.Stat(im.Source, name+".gz")
		return !errors.Is(err, fs.ErrNotExist) || gzErr == nil
	})
}

func (im *Importer) maxErrors() int {
	if im.MaxErrors <= 0 {
		return 100
	}
	return im.MaxErrors
}

func (im *Importer) batchSize() int {
	if im.BatchSize <= 0 {
		return 100
	}
	return im.BatchSize
}

// wanted evaluates the entity's where.
func (im *Importer) wanted(e *entity, row Row) (bool, error) {
	if e.where == nil {
		return true, nil
	}
	keep, _, err := evaluate(e.where, "where", map[string]any{"row": row})
	if err != nil {
		return false, err
	}
	b, isBool := keep.(bool)
	if !isBool {
		return false, fmt.Errorf("where: %v is neither true nor false", keep)
	}
	return b, nil
}

// op makes the record of a row.
func (im *Importer) op(e *entity, row Row) (connec.Op, error) {
	vars := map[string]any{"row": row}
	id, _, err := evaluate(e.id, "id", vars)
	if err != nil {
		return connec.Op{}, err
	}
	if id == nil || id == "" {
		return connec.Op{}, errors.New("id: is blank")
	}
	attrs, _, err := e.attrs(vars)
	if err != nil {
		return connec.Op{}, err
	}
	return connec.Op{
		Group: im.Group, Collection: e.Collection, Attributes: attrs.(map[string]any),
		WriteOptions: connec.WriteOptions{
			ExternalIDs:    connec.IDSet{{ID: fmt.Sprint(id), Provider: im.Mapping.Provider, Realm: im.Mapping.Realm}},
			MatchingFields: e.MatchingFields,
			// The row is all there is: lines that are gone from it are gone.
			Authoritative: true,
		},
	}, nil
}
