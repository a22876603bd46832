package connechttp

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ensemble-platform/ensemble/connec"
)

// names knows the collections by all the names that clients use for them. The table is read from the service once, and again when
// a name is not in it, but not more often than every few seconds.
type names struct {
	svc   connec.Service
	now   func() time.Time
	table atomic.Pointer[nameTable]
	mu    sync.Mutex
}

type nameTable struct {
	types   []*connec.ResourceType
	exact   map[string]*connec.ResourceType
	aliases map[string]*connec.ResourceType
	read    time.Time
}

const namesRefresh = 5 * time.Second

// find returns the collection that name means, or nil.
func (n *names) find(ctx context.Context, name string) (*connec.ResourceType, error) {
	t := n.table.Load()
	if t != nil {
		if rt := t.find(name); rt != nil {
			return rt, nil
		}
	}
	t, err := n.refresh(ctx)
	if err != nil {
		return nil, err
	}
	return t.find(name), nil
}

// all returns the collections by name.
func (n *names) all(ctx context.Context) ([]*connec.ResourceType, error) {
	t, err := n.refresh(ctx)
	if err != nil {
		return nil, err
	}
	return t.types, nil
}

func (n *names) refresh(ctx context.Context) (*nameTable, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.table.Load(); t != nil && n.now().Sub(t.read) < namesRefresh {
		return t, nil
	}
	types, err := n.svc.ResourceTypes(ctx)
	if err != nil {
		return nil, err
	}
	t := newNameTable(types)
	t.read = n.now()
	n.table.Store(t)
	return t, nil
}

func newNameTable(types []*connec.ResourceType) *nameTable {
	t := &nameTable{
		types:   types,
		exact:   make(map[string]*connec.ResourceType, len(types)),
		aliases: make(map[string]*connec.ResourceType, 3*len(types)),
	}
	for _, rt := range types {
		t.exact[rt.Name] = rt
		t.aliases[squash(rt.Name)] = rt
	}
	for _, rt := range types {
		for _, s := range singulars(squash(rt.Name)) {
			if _, taken := t.aliases[s]; !taken {
				t.aliases[s] = rt
			}
		}
	}
	return t
}

func (t *nameTable) find(name string) *connec.ResourceType {
	if rt := t.exact[name]; rt != nil {
		return rt
	}
	if s := squash(name); s != "" {
		return t.aliases[s]
	}
	return nil
}

// squash makes TaxCode, tax_code and "Tax code" the same.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		default:
			return -1
		}
	}, s)
}

// singulars guesses what clients call one record of a collection.
func singulars(plural string) []string {
	var out []string
	if s, ok := strings.CutSuffix(plural, "people"); ok {
		out = append(out, s+"person", s+"persons")
	}
	if s, ok := strings.CutSuffix(plural, "ies"); ok {
		out = append(out, s+"y")
	}
	if s, ok := strings.CutSuffix(plural, "s"); ok {
		out = append(out, s)
	} else {
		out = append(out, plural+"s") // the plural of a singleton, or of people
	}
	if s, ok := strings.CutSuffix(plural, "es"); ok {
		out = append(out, s)
	}
	return out
}
