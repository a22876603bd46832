package impachttp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/impacapi"
)

// server is thin: it decodes, calls the service and encodes.
type server struct {
	svc           impac.Service
	organizations Organizations
}

var _ impacapi.StrictServerInterface = (*server)(nil)

func (s *server) GetReady(ctx context.Context, _ impacapi.GetReadyRequestObject) (impacapi.GetReadyResponseObject, error) {
	if err := s.svc.Ready(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotReady, err)
	}
	return impacapi.GetReady204Response{}, nil
}

func (s *server) ListTemplates(ctx context.Context, _ impacapi.ListTemplatesRequestObject) (impacapi.ListTemplatesResponseObject, error) {
	all, err := s.svc.Templates(ctx)
	if err != nil {
		return nil, err
	}
	out := impacapi.ListTemplates200JSONResponse{Widgets: make([]impacapi.Template, len(all))}
	for i, t := range all {
		out.Widgets[i] = impacapi.Template{Endpoint: t.Endpoint, Name: t.Name, Desc: t.Desc, Icon: t.Icon, Width: t.Width, Metadata: orEmpty(t.Metadata)}
	}
	return out, nil
}

func (s *server) ShowWidget(ctx context.Context, r impacapi.ShowWidgetRequestObject) (impacapi.ShowWidgetResponseObject, error) {
	data, err := s.show(ctx, r.Category+"/"+r.Name)
	if err != nil {
		return nil, err
	}
	return impacapi.ShowWidget200JSONResponse{WidgetDataAnswerJSONResponse: *data}, nil
}

func (s *server) ShowGroupedWidget(ctx context.Context, r impacapi.ShowGroupedWidgetRequestObject) (impacapi.ShowGroupedWidgetResponseObject, error) {
	data, err := s.show(ctx, r.Category+"/"+r.Group+"/"+r.Name)
	if err != nil {
		return nil, err
	}
	return impacapi.ShowGroupedWidget200JSONResponse{WidgetDataAnswerJSONResponse: *data}, nil
}

func (s *server) show(ctx context.Context, endpoint string) (*impacapi.WidgetDataAnswerJSONResponse, error) {
	raw, _ := ctx.Value(queryKey{}).(string)
	query, err := parseNested(raw)
	if err != nil {
		return nil, err
	}
	params, ok := query["metadata"].(map[string]any)
	if !ok {
		params = map[string]any{}
	}
	if demo, ok := query["demo_data"]; ok {
		params["demo_data"] = demo
	}
	data, err := s.svc.Show(ctx, endpoint, params)
	if err != nil {
		return nil, err
	}
	return &impacapi.WidgetDataAnswerJSONResponse{Name: data.Name, Content: orEmpty(data.Content)}, nil
}

func (s *server) RunQuery(ctx context.Context, r impacapi.RunQueryRequestObject) (impacapi.RunQueryResponseObject, error) {
	f, err := s.svc.Query(ctx, fromAPIQuery(*r.Body))
	if err != nil {
		return nil, err
	}
	return impacapi.RunQuery200JSONResponse(toAPIFrame(f)), nil
}

func (s *server) ListDashboards(ctx context.Context, _ impacapi.ListDashboardsRequestObject) (impacapi.ListDashboardsResponseObject, error) {
	all, err := s.svc.ListDashboards(ctx)
	if err != nil {
		return nil, err
	}
	described, err := s.describe(ctx, all...)
	if err != nil {
		return nil, err
	}
	out := make(impacapi.ListDashboards200JSONResponse, len(all))
	for i, d := range all {
		out[i] = toAPIDashboard(d, described)
	}
	return out, nil
}

func (s *server) CreateDashboard(ctx context.Context, r impacapi.CreateDashboardRequestObject) (impacapi.CreateDashboardResponseObject, error) {
	in := r.Body.Dashboard
	uids, err := s.uids(ctx, in.OrganizationIds)
	if err != nil {
		return nil, err
	}
	md, err := fromRawMetadata(in.Metadata)
	if err != nil {
		return nil, err
	}
	d, err := s.svc.CreateDashboard(ctx, impac.Dashboard{Name: val(in.Name), OrganizationIDs: uids, Currency: val(in.Currency), Metadata: md})
	if err != nil {
		return nil, err
	}
	described, err := s.describe(ctx, d)
	if err != nil {
		return nil, err
	}
	return impacapi.CreateDashboard200JSONResponse{DashboardAnswerJSONResponse: impacapi.DashboardAnswerJSONResponse(toAPIDashboard(d, described))}, nil
}

func (s *server) UpdateDashboard(ctx context.Context, r impacapi.UpdateDashboardRequestObject) (impacapi.UpdateDashboardResponseObject, error) {
	in := r.Body.Dashboard
	md, err := fromRawMetadata(in.Metadata)
	if err != nil {
		return nil, err
	}
	d, err := s.svc.UpdateDashboard(ctx, r.ID, impac.DashboardPatch{Name: in.Name, Currency: in.Currency, Metadata: md, WidgetsOrder: in.WidgetsOrder})
	if err != nil {
		return nil, err
	}
	described, err := s.describe(ctx, d)
	if err != nil {
		return nil, err
	}
	return impacapi.UpdateDashboard200JSONResponse{DashboardAnswerJSONResponse: impacapi.DashboardAnswerJSONResponse(toAPIDashboard(d, described))}, nil
}

func (s *server) DeleteDashboard(ctx context.Context, r impacapi.DeleteDashboardRequestObject) (impacapi.DeleteDashboardResponseObject, error) {
	if err := s.svc.DeleteDashboard(ctx, r.ID); err != nil {
		return nil, err
	}
	return impacapi.DeleteDashboard204Response{}, nil
}

func (s *server) CreateWidget(ctx context.Context, r impacapi.CreateWidgetRequestObject) (impacapi.CreateWidgetResponseObject, error) {
	in := *r.Body
	if in.Widget != nil {
		in = *in.Widget
	}
	md, err := fromRawMetadata(in.Metadata)
	if err != nil {
		return nil, err
	}
	w, err := s.svc.CreateWidget(ctx, r.ID, impac.Widget{Endpoint: val(in.Endpoint), Name: val(in.Name), Width: val(in.Width), Metadata: md})
	if err != nil {
		return nil, err
	}
	return impacapi.CreateWidget200JSONResponse{WidgetAnswerJSONResponse: impacapi.WidgetAnswerJSONResponse(toAPIWidget(w, ""))}, nil
}

func (s *server) UpdateWidget(ctx context.Context, r impacapi.UpdateWidgetRequestObject) (impacapi.UpdateWidgetResponseObject, error) {
	in := r.Body.Widget
	md, err := fromRawMetadata(in.Metadata)
	if err != nil {
		return nil, err
	}
	w, err := s.svc.UpdateWidget(ctx, r.ID, impac.WidgetPatch{Name: in.Name, Width: in.Width, Metadata: md})
	if err != nil {
		return nil, err
	}
	return impacapi.UpdateWidget200JSONResponse{WidgetAnswerJSONResponse: impacapi.WidgetAnswerJSONResponse(toAPIWidget(w, ""))}, nil
}

func (s *server) DeleteWidget(ctx context.Context, r impacapi.DeleteWidgetRequestObject) (impacapi.DeleteWidgetResponseObject, error) {
	if err := s.svc.DeleteWidget(ctx, r.ID); err != nil {
		return nil, err
	}
	return impacapi.DeleteWidget204Response{}, nil
}

// describe tells what the organizations of dashboards are called, by uid. It is nil when nobody knows.
func (s *server) describe(ctx context.Context, ds ...*impac.Dashboard) (map[string]Organization, error) {
	if s.organizations == nil {
		return nil, nil
	}
	var uids []string
	for _, d := range ds {
		for _, uid := range d.OrganizationIDs {
			if !slices.Contains(uids, uid) {
				uids = append(uids, uid)
			}
		}
	}
	out := map[string]Organization{}
	if len(uids) == 0 {
		return out, nil
	}
	found, err := s.organizations.Describe(ctx, uids)
	if err != nil {
		return nil, fmt.Errorf("describe organizations: %w", err)
	}
	for _, o := range found {
		out[o.UID] = o
	}
	return out, nil
}

var errNumbers = errors.New("numbers of organizations are not known here; use their uids")

// uids turns the numbers and uids of organizations that a frontend sends into uids.
func (s *server) uids(ctx context.Context, refs []impacapi.OrganizationRef) ([]string, error) {
	uids := make([]string, len(refs))
	var numbers []string
	for i, raw := range refs {
		uids[i] = strings.Trim(string(raw), `" `)
		if isNumber(uids[i]) {
			numbers = append(numbers, uids[i])
		}
	}
	if len(numbers) == 0 {
		return uids, nil
	}
	if s.organizations == nil {
		return nil, problem.Invalid(impac.ErrInvalid, "organization_ids", "%s", errNumbers)
	}
	found, err := s.organizations.Describe(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("describe organizations: %w", err)
	}
	for i, ref := range uids {
		if !isNumber(ref) {
			continue
		}
		at := slices.IndexFunc(found, func(o Organization) bool { return fmt.Sprint(o.Number) == ref })
		if at < 0 {
			return nil, problem.Invalid(impac.ErrInvalid, "organization_ids", "has %s, which is no organization of yours", ref)
		}
		uids[i] = found[at].UID
	}
	return uids, nil
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
