package connechttp

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/openapi/connecapi"
)

// server carries out the operations.
type server struct {
	svc     connec.Service
	names   *names
	version Version
}

var _ connecapi.StrictServerInterface = (*server)(nil)

// collection finds what a request calls a collection. One that nobody knows is left to the service to refuse, after it has asked who
// the caller is.
func (s *server) collection(ctx context.Context, name string) (*connec.ResourceType, error) {
	rt, err := s.names.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if rt == nil {
		return &connec.ResourceType{Name: name}, nil
	}
	return rt, nil
}

// readOptions reads the request's headers. Ruby and Java write booleans with a capital now and then.
func readOptions(externalIDs, countryFormat *string) connec.ReadOptions {
	return connec.ReadOptions{
		ExternalIDs:   externalIDs != nil && strings.EqualFold(strings.TrimSpace(*externalIDs), "true"),
		CountryAlpha2: countryFormat != nil && strings.EqualFold(strings.TrimSpace(*countryFormat), "alpha2"),
	}
}

func shapeOf(opts connec.ReadOptions, versions *string) shape {
	return shape{externalIDs: opts.ExternalIDs, versions: versions != nil && strings.EqualFold(*versions, "true")}
}

// answer is a response written beforehand. It stands for any operation's, in place of the generated types that go
// through encoding/json.
type answer struct {
	status   int
	media    string
	location string
	body     []byte
}

func (a *answer) write(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.location != "" {
		h.Set("Location", a.location)
	}
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

// The operations that an answer stands for.

// VisitListRecordsResponse writes the answer.
func (a *answer) VisitListRecordsResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitCreateRecordResponse writes the answer.
func (a *answer) VisitCreateRecordResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitUpdateSingletonResponse writes the answer.
func (a *answer) VisitUpdateSingletonResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitGetRecordResponse writes the answer.
func (a *answer) VisitGetRecordResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitUpdateRecordResponse writes the answer.
func (a *answer) VisitUpdateRecordResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitDeleteRecordResponse writes the answer.
func (a *answer) VisitDeleteRecordResponse(w http.ResponseWriter) error { return a.write(w) }

// VisitBatchResponse writes the answer.
func (a *answer) VisitBatchResponse(w http.ResponseWriter) error { return a.write(w) }

func oneRecord(c *call, status int, collection string, r *connec.Resource, s shape) *answer {
	return &answer{status: status, media: c.media, body: new(encoder).envelope(make([]byte, 0, 1024), collection, r, s)}
}

// asList is how Client asks for a list where the platform's clients mean the one record.
const asList = "list"

// ListRecords lists, or shows the record of a singleton collection.
func (s *server) ListRecords(ctx context.Context, req connecapi.ListRecordsRequestObject) (connecapi.ListRecordsResponseObject, error) {
	c := callFrom(ctx)
	rt, err := s.collection(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	opts := readOptions(req.Params.ExternalIDs, req.Params.CountryFormat)
	sh := shapeOf(opts, req.Params.Versions)
	if rt.Singleton && deref(req.Params.As) != asList {
		r, err := s.svc.Get(ctx, req.Group, rt.Name, "", opts)
		if err != nil {
			return nil, err
		}
		return oneRecord(c, http.StatusOK, rt.Name, r, sh), nil
	}
	q := connec.Query{
		ReadOptions: opts,
		Filter:      deref(req.Params.Filter),
		OrderBy:     strings.TrimSpace(deref(req.Params.OrderBy)), // connec-ui sends "name " for ascending
		Top:         deref(req.Params.Top),
		Skip:        deref(req.Params.Skip),
	}
	page, err := s.svc.List(ctx, req.Group, rt.Name, q)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, media: c.media, body: appendPage(c, req, rt.Name, page, sh)}, nil
}

// appendPage writes a page: the collection's key first, since clients take the first key for the records.
func appendPage(c *call, req connecapi.ListRecordsRequestObject, collection string, page *connec.Page, sh shape) []byte {
	var e encoder
	b := make([]byte, 0, 256+512*len(page.Resources))
	b = append(b, '{')
	b = appendString(b, collection)
	b = append(b, `:[`...)
	for i, r := range page.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.record(b, r, sh)
	}
	b = append(b, `],"pagination":{"skip":`...)
	b = strconv.AppendInt(b, int64(page.Skip), 10)
	b = append(b, `,"top":`...)
	b = strconv.AppendInt(b, int64(page.Top), 10)
	b = append(b, `,"total":`...)
	b = strconv.AppendInt(b, int64(page.Total), 10)
	if next := page.Skip + len(page.Resources); len(page.Resources) > 0 && next < page.Total {
		b = append(b, `,"next":`...)
		b = appendString(b, nextURL(c, req, page.Top, next))
	}
	return append(b, "}}"...)
}

// nextURL is the absolute address of the next page. Old clients fetch it as it is; the connector framework cuts it at the collection's
// last appearance, so the collection is spelt as in the request and, slashes being escaped, is not in the query.
func nextURL(c *call, req connecapi.ListRecordsRequestObject, top, skip int) string {
	q := url.Values{"$top": {strconv.Itoa(top)}, "$skip": {strconv.Itoa(skip)}}
	if f := deref(req.Params.Filter); f != "" {
		q.Set("$filter", f)
	}
	if o := deref(req.Params.OrderBy); o != "" {
		q.Set("$orderby", o)
	}
	return c.base + "/api/v2/" + url.PathEscape(req.Group) + "/" + url.PathEscape(req.Collection) + "?" + q.Encode()
}

// readWrite takes a write out of the request's body.
func readWrite(c *call, rt *connec.ResourceType, spelt string, opts connec.ReadOptions) (*write, error) {
	doc, err := decodeDocument(c.body)
	if err != nil {
		return nil, err
	}
	w, err := toWrite(doc, rt.Name, spelt)
	if err != nil {
		return nil, err
	}
	w.opts.ReadOptions = opts
	return w, nil
}

// CreateRecord creates, or updates what the body means.
func (s *server) CreateRecord(ctx context.Context, req connecapi.CreateRecordRequestObject) (connecapi.CreateRecordResponseObject, error) {
	c := callFrom(ctx)
	rt, err := s.collection(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	opts := readOptions(req.Params.ExternalIDs, req.Params.CountryFormat)
	w, err := readWrite(c, rt, req.Collection, opts)
	if err != nil {
		return nil, err
	}
	r, outcome, err := s.svc.Create(ctx, req.Group, rt.Name, w.create(), w.opts)
	if err != nil {
		return nil, err
	}
	a := oneRecord(c, http.StatusOK, rt.Name, r, shapeOf(opts, req.Params.Versions))
	if outcome == connec.Created {
		a.status = http.StatusCreated
		a.location = recordURL(c, req.Group, rt.Name, r.ID)
	}
	return a, nil
}

func recordURL(c *call, group, collection, id string) string {
	return c.base + "/api/v2/" + url.PathEscape(group) + "/" + url.PathEscape(collection) + "/" + url.PathEscape(id)
}

// UpdateSingleton updates the record of a singleton collection.
func (s *server) UpdateSingleton(ctx context.Context, req connecapi.UpdateSingletonRequestObject) (connecapi.UpdateSingletonResponseObject, error) {
	a, err := s.update(ctx, req.Group, req.Collection, "", readOptions(req.Params.ExternalIDs, req.Params.CountryFormat), req.Params.Versions)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// UpdateRecord merges attributes into a record.
func (s *server) UpdateRecord(ctx context.Context, req connecapi.UpdateRecordRequestObject) (connecapi.UpdateRecordResponseObject, error) {
	a, err := s.update(ctx, req.Group, req.Collection, req.ID, readOptions(req.Params.ExternalIDs, req.Params.CountryFormat), req.Params.Versions)
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (s *server) update(ctx context.Context, group, collection, id string, opts connec.ReadOptions, versions *string) (*answer, error) {
	c := callFrom(ctx)
	rt, err := s.collection(ctx, collection)
	if err != nil {
		return nil, err
	}
	w, err := readWrite(c, rt, collection, opts)
	if err != nil {
		return nil, err
	}
	r, err := s.svc.Update(ctx, group, rt.Name, id, w.attrs, w.opts)
	if err != nil {
		return nil, err
	}
	return oneRecord(c, http.StatusOK, rt.Name, r, shapeOf(opts, versions)), nil
}

// GetRecord shows a record.
func (s *server) GetRecord(ctx context.Context, req connecapi.GetRecordRequestObject) (connecapi.GetRecordResponseObject, error) {
	rt, err := s.collection(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	opts := readOptions(req.Params.ExternalIDs, req.Params.CountryFormat)
	r, err := s.svc.Get(ctx, req.Group, rt.Name, req.ID, opts)
	if err != nil {
		return nil, err
	}
	return oneRecord(callFrom(ctx), http.StatusOK, rt.Name, r, shapeOf(opts, req.Params.Versions)), nil
}

// DeleteRecord is what became of deletion: the record's status says INACTIVE.
func (s *server) DeleteRecord(ctx context.Context, req connecapi.DeleteRecordRequestObject) (connecapi.DeleteRecordResponseObject, error) {
	rt, err := s.collection(ctx, req.Collection)
	if err != nil {
		return nil, err
	}
	opts := readOptions(req.Params.ExternalIDs, req.Params.CountryFormat)
	r, err := s.svc.Update(ctx, req.Group, rt.Name, req.ID, inactive(), connec.WriteOptions{ReadOptions: opts})
	if err != nil {
		return nil, err
	}
	return oneRecord(callFrom(ctx), http.StatusOK, rt.Name, r, shapeOf(opts, req.Params.Versions)), nil
}

func inactive() map[string]any { return map[string]any{"status": "INACTIVE"} }

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
