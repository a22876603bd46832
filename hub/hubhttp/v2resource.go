package hubhttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/ensemble-platform/ensemble/hub"
)

// v2Object is a resource, and the value that it shows.
type v2Object struct {
	kind       string // the JSON:API type
	number     int64
	attributes map[string]any
	value      any
}

// lookup finds what a filter or an order names: an attribute, or the id of a relation.
func (o *v2Object) lookup(name string) (any, bool) {
	if name == "id" {
		return o.number, true
	}
	if v, ok := o.attributes[name]; ok {
		return v, true
	}
	if i := len(name) - len(".id"); i > 0 && name[i:] == ".id" {
		v, ok := o.attributes[name[:i]+"_id"]
		return v, ok
	}
	return nil, false
}

type v2Resource struct {
	Type          string                    `json:"type"`
	ID            string                    `json:"id"`
	Attributes    map[string]any            `json:"attributes"`
	Relationships map[string]v2Relationship `json:"relationships,omitempty"`
	Links         map[string]string         `json:"links"`
}

type v2Relationship struct {
	Data any `json:"data"`
}

type v2Linkage struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type v2Document struct {
	Data     any               `json:"data"`
	Included []*v2Resource     `json:"included,omitempty"`
	Meta     map[string]any    `json:"meta,omitempty"`
	Links    map[string]string `json:"links,omitempty"`
}

// v2Relation finds what a resource is related to.
type v2Relation struct {
	many bool
	find func(q *v2Request, o *v2Object) ([]*v2Object, error)
}

func v2None(many bool) v2Relation {
	return v2Relation{many: many, find: func(*v2Request, *v2Object) ([]*v2Object, error) { return nil, nil }}
}

// v2Relations are the relations of each type. Those that the hub doesn't keep yet are empty, since the frontends ask for them.
var v2Relations map[string]map[string]v2Relation

func init() { // the relations lead to functions that refer to them
	v2Relations = map[string]map[string]v2Relation{
		"users": {
			"organizations": {true, (*v2Request).organizationsOfUser}, "orga_relations": {true, (*v2Request).relationsOfUser},
			"deletion_requests": v2None(true), "dashboards": v2None(true), "teams": v2None(true), "clients": v2None(true),
			"user_access_requests": v2None(true), "sub_tenant": v2None(false),
		},
		"organizations": {
			"users": {true, (*v2Request).usersOfOrganization}, "orga_relations": {true, (*v2Request).relationsOfOrganization},
			"app_instances": {true, (*v2Request).instancesOfOrganization}, "orga_invites": v2None(true), "invoices": v2None(true),
			"teams": v2None(true), "credit_card": v2None(false), "main_address": v2None(false),
		},
		"orga_relations": {"organization": {false, (*v2Request).organizationOfRelation}, "user": {false, (*v2Request).userOfRelation}},
		"apps":           {"app_shared_entities": v2None(true)},
		"app_instances": {
			"app": {false, (*v2Request).appOfInstance}, "owner": {false, (*v2Request).ownerOfInstance}, "sync_status": v2None(false),
		},
	}
}

// v2Includer collects what a document includes.
type v2Includer struct {
	q        *v2Request
	seen     map[v2Linkage]*v2Resource
	included []*v2Resource
}

func (i *v2Includer) resource(o *v2Object, include v2Tree) (*v2Resource, error) {
	id := strconv.FormatInt(o.number, 10)
	res := &v2Resource{Type: o.kind, ID: id, Attributes: o.attributes, Links: map[string]string{"self": "/api/mnoe/v2/" + o.kind + "/" + id}}
	if fields, ok := i.q.query.fields[o.kind]; ok {
		res.Attributes = map[string]any{}
		for _, f := range fields {
			if v, ok := o.attributes[f]; ok {
				res.Attributes[f] = v
			}
		}
	}
	return res, i.relate(res, o, include)
}

func (i *v2Includer) relate(res *v2Resource, o *v2Object, include v2Tree) error {
	for name, deeper := range include {
		relation, ok := v2Relations[o.kind][name]
		if !ok {
			return v2Bad("include", fmt.Sprintf("names %s of %s, which is not known", name, o.kind))
		}
		found, err := relation.find(i.q, o)
		if err != nil {
			return err
		}
		links := make([]v2Linkage, 0, len(found))
		for _, f := range found {
			link := v2Linkage{f.kind, strconv.FormatInt(f.number, 10)}
			links = append(links, link)
			if there := i.seen[link]; there != nil {
				if err := i.relate(there, f, deeper); err != nil {
					return err
				}
				continue
			}
			// It is known before what it leads to, which may lead back to it.
			sub, err := i.resource(f, nil)
			if err != nil {
				return err
			}
			i.seen[link] = sub
			i.included = append(i.included, sub)
			if err := i.relate(sub, f, deeper); err != nil {
				return err
			}
		}
		if res.Relationships == nil {
			res.Relationships = map[string]v2Relationship{}
		}
		switch {
		case relation.many:
			res.Relationships[name] = v2Relationship{links}
		case len(links) > 0:
			res.Relationships[name] = v2Relationship{links[0]}
		default:
			res.Relationships[name] = v2Relationship{}
		}
	}
	return nil
}

// show answers with one resource.
func (q *v2Request) show(status int, o *v2Object) (*v2Answer, error) {
	i := &v2Includer{q: q, seen: map[v2Linkage]*v2Resource{}}
	res, err := i.primary([]*v2Object{o})
	if err != nil {
		return nil, err
	}
	return &v2Answer{status, v2Document{Data: res[0], Included: i.included}}, nil
}

// primary makes the resources of a document's data, which are not included once more.
func (i *v2Includer) primary(os []*v2Object) ([]*v2Resource, error) {
	out := make([]*v2Resource, len(os))
	for n, o := range os {
		res, err := i.resource(o, nil)
		if err != nil {
			return nil, err
		}
		i.seen[v2Linkage{o.kind, res.ID}] = res
		out[n] = res
	}
	for n, o := range os {
		if err := i.relate(out[n], o, i.q.query.include); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// list answers with the page of os that is asked for.
func (q *v2Request) list(os []*v2Object) (*v2Answer, error) {
	var kept []*v2Object
	for _, o := range os {
		ok, err := q.query.keep(o)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, o)
		}
	}
	if err := q.query.order(kept); err != nil {
		return nil, err
	}
	total := len(kept)
	from := min((q.query.number-1)*q.query.size, total)
	kept = kept[from:min(from+q.query.size, total)]
	i := &v2Includer{q: q, seen: map[v2Linkage]*v2Resource{}}
	data, err := i.primary(kept)
	if err != nil {
		return nil, err
	}
	return &v2Answer{http.StatusOK, v2Document{
		Data: data, Included: i.included, Meta: map[string]any{"record_count": total}, Links: q.query.links(q.URL.Path, total),
	}}, nil
}

// v2Input is what a request's body says of a resource.
type v2Input struct {
	Attributes    map[string]any
	Relationships map[string]json.RawMessage
}

// input reads a body: {"data":{…}}, or the attributes alone as custom actions may send them. No body is an empty one.
func (q *v2Request) input() (*v2Input, error) {
	var body struct {
		Data *struct {
			Attributes    map[string]any             `json:"attributes"`
			Relationships map[string]json.RawMessage `json:"relationships"`
		} `json:"data"`
	}
	raw := json.RawMessage{}
	if err := read(q.Request, &raw); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, &malformedError{err}
	}
	in := &v2Input{Attributes: map[string]any{}}
	if body.Data == nil {
		err := json.Unmarshal(raw, &in.Attributes)
		if err != nil || in.Attributes == nil {
			return nil, &malformedError{errors.New("the body must be an object")}
		}
		return in, nil
	}
	if body.Data.Attributes != nil {
		in.Attributes = body.Data.Attributes
	}
	in.Relationships = body.Data.Relationships
	return in, nil
}

// text is an attribute, which must be a string, a number or absent.
func (in *v2Input) text(name string) (string, error) {
	switch v := in.Attributes[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	default:
		return "", v2Invalid(hub.ErrInvalid, name, "must be text")
	}
}

// reference is the id that the attribute NAME_id or the relationship NAME holds.
func (in *v2Input) reference(name string) (string, error) {
	id, err := in.text(name + "_id")
	if err != nil || id != "" {
		return id, err
	}
	var rel struct {
		Data *struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if raw, ok := in.Relationships[name]; ok {
		if err := json.Unmarshal(raw, &rel); err != nil {
			return "", v2Invalid(hub.ErrInvalid, name, "must be a relationship")
		}
	}
	if rel.Data == nil || rel.Data.ID == "" {
		return "", v2Invalid(hub.ErrInvalid, name+"_id", "can't be blank")
	}
	return rel.Data.ID, nil
}

// merge puts attributes over a JSON object and reads the result into v.
func (in *v2Input) merge(names []string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	for name, value := range in.Attributes {
		if slices.Contains(names, name) && value != nil {
			m[name] = value
		}
	}
	if b, err = json.Marshal(m); err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return v2Invalid(hub.ErrInvalid, t.Field, "must be a "+t.Type.String())
		}
		return &malformedError{err}
	}
	return nil
}
