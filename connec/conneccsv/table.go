package conneccsv

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// maxRow bounds one line of a file, and maxLookupRows a file that is held in memory.
const (
	maxRow        = 4 << 20
	maxLookupRows = 5_000_000
)

// Row is one line of a file: text by column. The blank text is a missing value.
type Row map[string]string

// table reads a CSV file with a header line, plain or gzipped.
type table struct {
	name    string
	header  []string
	reader  *csv.Reader
	closers []io.Closer
}

func openTable(source fs.FS, name string) (*table, error) {
	f, err := source.Open(name)
	if errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(name, ".gz") {
		if gz, gzErr := source.Open(name + ".gz"); gzErr == nil {
			f, err, name = gz, nil, name+".gz"
		}
	}
	if err != nil {
		return nil, err
	}
	t := &table{name: name, closers: []io.Closer{f}}
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t.closers, r = append(t.closers, z), z
	}
	br := bufio.NewReaderSize(r, 64<<10)
	if b, _ := br.Peek(3); string(b) == "\xef\xbb\xbf" {
		_, _ = br.Discard(3)
	}
	t.reader = csv.NewReader(br)
	t.reader.ReuseRecord = true
	head, err := t.reader.Read()
	if err != nil {
		t.close()
		return nil, fmt.Errorf("%s: header: %w", name, err)
	}
	for _, h := range head {
		t.header = append(t.header, strings.TrimSpace(h))
	}
	return t, nil
}

// next returns the next row and the number of its first line, or io.EOF.
func (t *table) next() (Row, int, error) {
	rec, err := t.reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, 0, io.EOF
		}
		return nil, 0, fmt.Errorf("%s: %w", t.name, err)
	}
	line, _ := t.reader.FieldPos(0)
	row, size := make(Row, len(rec)), 0
	for i, v := range rec {
		row[t.header[i]] = v
		size += len(v)
	}
	if size > maxRow {
		return nil, 0, fmt.Errorf("%s:%d: the row is longer than %d bytes", t.name, line, maxRow)
	}
	return row, line, nil
}

func (t *table) close() {
	for i := len(t.closers) - 1; i >= 0; i-- {
		_ = t.closers[i].Close()
	}
}

// index is a lookup in memory.
type index struct {
	header []string
	rows   map[string][]Row
}

func loadIndex(source fs.FS, l Lookup) (*index, error) {
	t, err := openTable(source, l.File)
	if err != nil {
		return nil, err
	}
	defer t.close()
	ix := &index{header: t.header, rows: map[string][]Row{}}
	if !slices.Contains(t.header, l.Key) {
		return nil, fmt.Errorf("%w: %s has no column %q; it has %s", ErrMapping, t.name, l.Key, strings.Join(t.header, ", "))
	}
	for n := 0; ; n++ {
		row, _, err := t.next()
		if errors.Is(err, io.EOF) {
			return ix, nil
		}
		if err != nil {
			return nil, err
		}
		if n >= maxLookupRows {
			return nil, fmt.Errorf("%s: a lookup holds at most %d rows", t.name, maxLookupRows)
		}
		k := strings.TrimSpace(row[l.Key])
		ix.rows[k] = append(ix.rows[k], row)
	}
}
