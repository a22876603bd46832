package impac

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
)

// partyOf is the other side of a document as "COLLECTION/ID": an organization, else a person, else nobody.
func partyOf(r *row) (string, bool) {
	if id := str(r.record["organization_id"]); id != "" {
		return "organizations/" + id, true
	}
	if id := str(r.record["person_id"]); id != "" {
		return "people/" + id, true
	}
	return "", false
}

// label is how a record is called.
type label struct{ name, code string }

// Names are asked for by id, so many at once, unless there are so many that reading all records is cheaper.
const (
	namesAtOnce = 100
	namesByID   = 1000
)

var plainID = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// names tells the names of records by their "COLLECTION/ID" keys. Records that aren't there are called by their id.
func (s *showing) names(ctx context.Context, keys []string) (map[string]label, error) {
	out := map[string]label{"": {name: "Unknown"}}
	wanted := map[string][]string{}
	for _, key := range keys {
		collection, id, ok := strings.Cut(key, "/")
		if !ok {
			continue
		}
		out[key] = label{name: id, code: id}
		wanted[collection] = append(wanted[collection], id)
	}
	for collection, ids := range wanted {
		p := &plan{organizations: s.organizations, collection: collection, optional: true}
		read := func() error {
			_, err := s.scan(ctx, p, func(r *row) error {
				key := collection + "/" + str(r.record["id"])
				if _, ok := out[key]; ok {
					out[key] = labelOf(r.record)
				}
				return nil
			})
			return err
		}
		if len(ids) > namesByID || slices.ContainsFunc(ids, func(id string) bool { return !plainID.MatchString(id) }) {
			if err := read(); err != nil {
				return nil, err
			}
			continue
		}
		for some := range slices.Chunk(ids, namesAtOnce) {
			p.filter = "_id in ['" + strings.Join(some, "','") + "']"
			if err := read(); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func labelOf(rec Record) label {
	id := str(rec["id"])
	full := strings.TrimSpace(str(rec["first_name"]) + " " + str(rec["last_name"]))
	name := cmp.Or(strings.TrimSpace(str(rec["name"])), strings.TrimSpace(str(rec["full_name"])), full, strings.TrimSpace(str(rec["company_name"])), id)
	return label{name: name, code: cmp.Or(str(rec["code"]), str(rec["reference"]), id)}
}
