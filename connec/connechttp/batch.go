package connechttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

const maxOps = 1000

// batchOp is one operation on its way through the service: what came of reading it, and where its answer goes.
type batchOp struct {
	rt     *connec.ResourceType
	shape  shape
	create bool
	result connec.OpResult
}

// Batch runs operations in order and answers each.
func (s *server) Batch(ctx context.Context, req connecapi.BatchRequestObject) (connecapi.BatchResponseObject, error) {
	if authz.CredentialFrom(ctx).IsZero() {
		return nil, authz.ErrUnauthenticated
	}
	c := callFrom(ctx)
	doc, err := decodeDocument(c.body)
	if err != nil {
		return nil, err
	}
	list, ok := doc["ops"].([]any)
	if !ok {
		return nil, problem.Invalid(connec.ErrInvalid, "ops", "must be a list of operations")
	}
	if len(list) > maxOps {
		return nil, problem.Invalid(connec.ErrInvalid, "ops", "must not be more than %d operations, not %d", maxOps, len(list))
	}
	defaults := readOptions(req.Params.ExternalIDs, req.Params.CountryFormat)
	sh := shapeOf(defaults, req.Params.Versions)

	ops := make([]*batchOp, len(list))
	var sent []connec.Op
	var sentAt []int
	for i, v := range list {
		ops[i] = &batchOp{shape: sh}
		op, err := s.readOp(ctx, v, defaults, ops[i])
		if err != nil {
			if _, input := problemOfInput(err); !input {
				return nil, err
			}
			ops[i].result.Err = err
			continue
		}
		sent, sentAt = append(sent, op), append(sentAt, i)
	}
	if len(sent) > 0 {
		results, err := s.svc.Batch(ctx, sent)
		if err != nil {
			return nil, err
		}
		if len(results) != len(sent) {
			return nil, errShortBatch
		}
		for j, r := range results {
			ops[sentAt[j]].result = r
		}
		if stranger := slices.IndexFunc(results, func(r connec.OpResult) bool { return !errors.Is(r.Err, authz.ErrUnauthenticated) }) < 0; stranger {
			return nil, results[0].Err
		}
	}
	return &answer{status: http.StatusOK, media: c.media, body: appendResults(ops)}, nil
}

// problemOfInput tells what is wrong with one operation from what is wrong with the service.
func problemOfInput(err error) (problem.Problem, bool) {
	p := problem.Of(err)
	return p, p.Status < http.StatusInternalServerError
}

// readOp reads {"method","url","params"}. Our own client adds what the headers say for all operations, per operation.
func (s *server) readOp(ctx context.Context, v any, opts connec.ReadOptions, b *batchOp) (connec.Op, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return connec.Op{}, problem.Invalid(connec.ErrInvalid, "", "an operation must be an object with method, url and params")
	}
	if x, ok := m["external_ids"].(bool); ok {
		opts.ExternalIDs = x
		b.shape.externalIDs = x
	}
	if x, ok := m["country_format"].(string); ok {
		opts.CountryAlpha2 = strings.EqualFold(x, "alpha2")
	}
	address, _ := m["url"].(string)
	segs, err := opPath(address)
	if err != nil {
		return connec.Op{}, err
	}
	spelt := segs[3]
	if b.rt, err = s.collection(ctx, spelt); err != nil {
		return connec.Op{}, err
	}
	op := connec.Op{Group: segs[2], Collection: b.rt.Name, WriteOptions: connec.WriteOptions{ReadOptions: opts}}
	if len(segs) == 5 {
		op.ID = segs[4]
	}
	method, _ := m["method"].(string)
	switch strings.ToLower(method) {
	case "get":
		if op.ID == "" && !b.rt.Singleton {
			return connec.Op{}, problem.Invalid(connec.ErrInvalid, "url", "must name a record: lists are not for batches")
		}
		if op.ID == "" {
			op.ID = b.rt.Name // any id will do, and without one an operation creates
		}
		return op, nil
	case "delete":
		op.Attributes = inactive()
		return op, needID(op, b.rt)
	case "post", "put":
	default:
		return connec.Op{}, problem.Invalid(connec.ErrInvalid, "method", "must be get, post, put or delete")
	}
	params, ok := m["params"].(map[string]any)
	if !ok {
		return connec.Op{}, problem.Invalid(connec.ErrInvalid, "params", "must be an object: the body of the single call")
	}
	w, err := toWrite(params, b.rt.Name, spelt)
	if err != nil {
		return connec.Op{}, err
	}
	w.opts.ReadOptions = opts
	op.Attributes, op.WriteOptions = w.attrs, w.opts
	if strings.EqualFold(method, "put") {
		return op, needID(op, b.rt)
	}
	b.create = true
	if op.ID != "" && !b.rt.Singleton {
		return connec.Op{}, errNoMethod
	}
	op.Attributes = w.create()
	return op, nil
}

func needID(op connec.Op, rt *connec.ResourceType) error {
	if op.ID == "" && !rt.Singleton {
		return problem.Invalid(connec.ErrInvalid, "url", "must name a record")
	}
	return nil
}

// opPath splits the url of an operation: the absolute path of the single call. A scheme and host before it don't matter.
func opPath(address string) ([]string, error) {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return nil, problem.Invalid(connec.ErrInvalid, "url", "must be the path of the single call, such as /api/v2/GROUP/people/")
	}
	segs := splitPath(u)
	if len(segs) < 4 || segs[0] != "api" || segs[1] != "v2" {
		return nil, problem.Invalid(connec.ErrInvalid, "url", "must be the path of the single call, such as /api/v2/GROUP/people/, not %q", address)
	}
	if len(segs) > 5 {
		return nil, errNoPath
	}
	return segs, nil
}

func appendResults(ops []*batchOp) []byte {
	var e encoder
	b := make([]byte, 0, 64+768*len(ops))
	b = append(b, `{"results":[`...)
	for i, op := range ops {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"status":`...)
		if err := op.result.Err; err != nil {
			p := problem.Of(err)
			b = strconv.AppendInt(b, int64(wireStatus(p)), 10)
			b = append(b, `,"body":`...)
			j, err := json.Marshal(toErrors(p))
			if err != nil {
				j = []byte("{}")
			}
			b = append(append(b, j...), '}')
			continue
		}
		status := http.StatusOK
		if op.create && op.result.Outcome == connec.Created {
			status = http.StatusCreated
		}
		b = strconv.AppendInt(b, int64(status), 10)
		b = append(b, `,"body":`...)
		b = e.envelope(b, op.rt.Name, op.result.Resource, op.shape)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

var errShortBatch = errors.New("the service answered fewer results than there were operations")
