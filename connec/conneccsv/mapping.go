// Package conneccsv imports folders of CSV files into Connec by a mapping: a YAML document that says which file becomes
// which collection and how columns become attributes.
//
// An import is a client of connec.Service like any other: records are sent in batches, found again by their external ids,
// validated, audited and delivered. Running it again changes nothing; see [Importer].
package conneccsv

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// ErrMapping is what a mapping that can't be used matches.
var ErrMapping = errors.New("invalid mapping")

// Mapping says how a folder of CSV files becomes records.
//
// Values are written as they shall be sent. A text that begins with "=" is an expression (github.com/expr-lang/expr) over the
// columns of the current row: "=row.FirstName". See Functions for what expressions may call. A value that turns out blank
// is left out.
type Mapping struct {
	// Name of the dataset, for people and for the checkpoint.
	Name string `yaml:"name"`
	// Provider and Realm of the external ids that are made of the rows' ids.
	Provider string `yaml:"provider"`
	Realm    string `yaml:"realm"`
	// Lookups are files to join with, held in memory.
	Lookups map[string]Lookup `yaml:"lookups"`
	// Entities are imported in this order: what is referred to comes first.
	Entities []Entity `yaml:"entities"`
}

// Lookup is a file indexed by a column. Expressions read it with one(name, key) and many(name, key).
type Lookup struct {
	File string `yaml:"file"`
	Key  string `yaml:"key"`
}

// Entity makes one record of each row of a file.
type Entity struct {
	// Name for people and the checkpoint; "COLLECTION from FILE" when empty.
	Name string `yaml:"name"`
	// Collection, such as "invoices".
	Collection string `yaml:"collection"`
	// File within the source folder. If it isn't there, FILE.gz is taken.
	File string `yaml:"file"`
	// Where is an expression; rows for which it is false are skipped.
	Where string `yaml:"where"`
	// ID is the record's external id. Unique within the collection.
	ID string `yaml:"id"`
	// OnlyIfEmpty leaves the collection as it is when it holds a record with attributes already, whoever made it. It is for what an
	// organization has once and keeps by itself, such as company.
	OnlyIfEmpty bool `yaml:"only_if_empty"`
	// Attributes of the record. A map with the key "each" makes a list: one element for each row of that expression, named
	// by "as", with "id" for its external id and "attributes".
	Attributes map[string]any `yaml:"attributes"`
	// MatchingFields are connec.WriteOptions.MatchingFields.
	MatchingFields [][]string `yaml:"matching_fields"`
}

//go:embed mappings/*.yaml
var shipped embed.FS

// Shipped lists the mappings that come with this package, by name.
func Shipped() []string {
	files, _ := fs.Glob(shipped, "mappings/*.yaml")
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".yaml")
	}
	slices.Sort(files)
	return files
}

var shippedName = regexp.MustCompile(`^[a-z0-9-]+$`)

// Load reads a mapping file, or a shipped mapping by its name.
func Load(nameOrFile string) (*Mapping, error) {
	var b []byte
	var err error
	if shippedName.MatchString(nameOrFile) {
		b, err = shipped.ReadFile("mappings/" + nameOrFile + ".yaml")
		if errors.Is(err, fs.ErrNotExist) {
			if b, err = os.ReadFile(nameOrFile); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w: there is neither a file %s nor a shipped mapping of that name (shipped: %s)", ErrMapping, nameOrFile, strings.Join(Shipped(), ", "))
			}
		}
	} else {
		b, err = os.ReadFile(nameOrFile)
	}
	if err != nil {
		return nil, fmt.Errorf("load mapping: %w", err)
	}
	return Parse(b)
}

// Parse reads a mapping. Unknown keys are errors, so that a misspelt one isn't lost.
func Parse(b []byte) (*Mapping, error) {
	var m Mapping
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMapping, err)
	}
	switch {
	case m.Name == "":
		return nil, fmt.Errorf("%w: name is missing", ErrMapping)
	case m.Provider == "" || m.Realm == "":
		return nil, fmt.Errorf("%w: provider and realm are needed: they make the external ids by which a second import finds its records", ErrMapping)
	case len(m.Entities) == 0:
		return nil, fmt.Errorf("%w: entities is empty", ErrMapping)
	}
	names := map[string]bool{}
	for i := range m.Entities {
		e := &m.Entities[i]
		where := fmt.Sprintf("entities[%d]", i)
		switch {
		case e.Collection == "":
			return nil, fmt.Errorf("%w: %s.collection is missing", ErrMapping, where)
		case e.File == "":
			return nil, fmt.Errorf("%w: %s.file is missing", ErrMapping, where)
		case e.ID == "":
			return nil, fmt.Errorf("%w: %s.id is missing", ErrMapping, where)
		}
		if e.Name == "" {
			e.Name = e.Collection + " from " + e.File
		}
		if names[e.Name] {
			return nil, fmt.Errorf("%w: %s: there are two entities named %q", ErrMapping, where, e.Name)
		}
		names[e.Name] = true
	}
	for name, l := range m.Lookups {
		if l.File == "" || l.Key == "" {
			return nil, fmt.Errorf("%w: lookups.%s needs file and key", ErrMapping, name)
		}
	}
	return &m, nil
}
