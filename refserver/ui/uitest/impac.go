package uitest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

type dashboard struct {
	ID      int64
	Name    string
	Org     int64
	Widgets []object
}

var organizationUIDs = map[int64]string{1: Acme, 2: Blank, 3: Nord}

func (d *dashboard) json() object {
	widgets := d.Widgets
	if widgets == nil {
		widgets = []object{}
	}
	return object{
		"id": d.ID, "name": d.Name, "full_name": d.Name, "currency": "EUR", "metadata": object{}, "kpis": []object{}, "widgets": widgets,
		"data_sources": []object{{"id": d.Org, "uid": organizationUIDs[d.Org], "label": "x"}},
	}
}

func (p *Platform) impacRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /mnoe/jpi/v1/impac/dashboards", p.private(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		list := []object{}
		for _, d := range p.dashboards {
			list = append(list, d.json())
		}
		httpx.WriteJSON(w, http.StatusOK, list)
	}))
	mux.HandleFunc("POST /mnoe/jpi/v1/impac/dashboards", p.private(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Dashboard struct {
				Name          string
				Organizations []int64 `json:"organization_ids"`
			}
		}
		if err := httpx.ReadJSON(r.Body, &body); err != nil || len(body.Dashboard.Organizations) == 0 {
			problem.Write(w, errNotFound)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.next++
		d := &dashboard{ID: p.next, Name: body.Dashboard.Name, Org: body.Dashboard.Organizations[0]}
		p.dashboards = append(p.dashboards, d)
		httpx.WriteJSON(w, http.StatusOK, d.json())
	}))
	mux.HandleFunc("PUT /mnoe/jpi/v1/impac/dashboards/{id}", p.private(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Dashboard struct {
				Order []int64 `json:"widgets_order"`
			}
		}
		if err := httpx.ReadJSON(r.Body, &body); err != nil {
			problem.Write(w, errNotFound)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, d := range p.dashboards {
			if fmt.Sprint(d.ID) != r.PathValue("id") {
				continue
			}
			var sorted []object
			for _, id := range body.Dashboard.Order {
				for _, wi := range d.Widgets {
					if wi["id"] == id {
						sorted = append(sorted, wi)
					}
				}
			}
			d.Widgets = sorted
			httpx.WriteJSON(w, http.StatusOK, d.json())
			return
		}
		problem.Write(w, errNotFound)
	}))
	mux.HandleFunc("POST /mnoe/jpi/v1/impac/dashboards/{id}/widgets", p.private(func(w http.ResponseWriter, r *http.Request) {
		var body object
		if err := httpx.ReadJSON(r.Body, &body); err != nil {
			problem.Write(w, errNotFound)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, d := range p.dashboards {
			if fmt.Sprint(d.ID) == r.PathValue("id") {
				p.next++
				body["id"] = p.next
				for _, t := range templates {
					if body["name"] == nil && t["endpoint"] == body["endpoint"] {
						body["name"] = t["name"]
					}
				}
				d.Widgets = append(d.Widgets, body)
				httpx.WriteJSON(w, http.StatusOK, body)
				return
			}
		}
		problem.Write(w, errNotFound)
	}))
	mux.HandleFunc("/mnoe/jpi/v1/impac/widgets/{id}", p.private(p.widget))
	mux.HandleFunc("GET /impac/api/v1/widgets", func(w http.ResponseWriter, _ *http.Request) {
		httpx.WriteJSON(w, http.StatusOK, object{"widgets": templates})
	})
	mux.HandleFunc("GET /impac/api/v1/widgets/{endpoint...}", p.private(show))
}

var templates = []object{
	template("sales/aged", "Sales over time", "What was invoiced, month by month.", object{}),
	template("sales/summary", "Sales by customer", "The customers who bought most, and their share of all sales.", object{"criteria": "customer"}),
	template("invoices/list", "Top customers", "The customers that most was invoiced for.", object{"entity": "customers"}),
	template("invoices/list", "Customers by amount due", "The customers that most is still due for.", object{"entity": "customers", "order_by": "total_due"}),
	template("invoices/list", "Top suppliers", "The suppliers that most was invoiced for.", object{"entity": "suppliers"}),
	template("hr/workforce_summary", "Workforce summary", "Headcount and pay by gender, age, salary or job title.", object{}),
}

func template(endpoint, name, desc string, metadata object) object {
	return object{"endpoint": endpoint, "name": name, "desc": desc, "icon": "bar-chart", "width": 6, "metadata": metadata}
}

func (p *Platform) widget(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.dashboards {
		for i, wi := range d.Widgets {
			if wi["id"] != id {
				continue
			}
			if r.Method == http.MethodDelete {
				d.Widgets = append(d.Widgets[:i:i], d.Widgets[i+1:]...)
				w.WriteHeader(http.StatusNoContent)
				return
			}
			var body struct{ Widget object }
			if err := httpx.ReadJSON(r.Body, &body); err != nil {
				problem.Write(w, errNotFound)
				return
			}
			merge(wi, body.Widget)
			httpx.WriteJSON(w, http.StatusOK, wi)
			return
		}
	}
	problem.Write(w, errNotFound)
}

func show(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if organizations := q["metadata[organization_ids][]"]; len(organizations) != 1 || organizations[0] != Acme {
		httpx.WriteJSON(w, http.StatusOK, object{"name": "Report", "content": object{}})
		return
	}
	var content object
	switch r.PathValue("endpoint") {
	case "sales/aged":
		var dates []string
		var gross, net []float64
		// The running month counts too: -11m is twelve.
		back, _ := strconv.Atoi(strings.Trim(q.Get("metadata[hist_parameters][time_range]"), "-m"))
		months := back + 1
		for i := range months {
			dates = append(dates, time.Date(2025, time.Month(24-months+i+1), 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
			v := 31_000 + float64((i*i*7919)%23_000)
			gross, net = append(gross, v), append(net, v/1.19)
		}
		content = object{"currency": "EUR", "dates": dates, "aged_sales": object{"gross_value_sold": gross, "net_value_sold": net, "quantity_sold": gross}}
	case "invoices/list":
		var entities []object
		for i, name := range customers[:10] {
			total := 96_400.5 / float64(i+1)
			entities = append(entities, object{"id": fmt.Sprint(i), "name": name, "currency": "EUR", "total_invoiced": total, "total_paid": total * 0.8, "total_due": total * 0.2, "invoices": make([]object, 0)})
		}
		content = object{"currency": "EUR", "entities": entities, "info": []object{{"key": "Shown", "value": "10 of 12 customers"}}}
	case "sales/summary":
		var rows []object
		for i, name := range products {
			rows = append(rows, object{"code": fmt.Sprint(i), "name": name, "total": 40_000 / float64(i+1)})
		}
		content = object{"summary": rows}
	case "hr/workforce_summary":
		content = object{
			"total":   object{"amount": 742_300, "currency": "EUR", "employees": 14, "period": "yearly"},
			"summary": object{"filter": "gender", "data": []object{{"label": "F", "value": 398_000, "currency": "EUR", "employees": 8}, {"label": "M", "value": 344_300, "currency": "EUR", "employees": 6}}},
		}
	default:
		httpx.WriteJSON(w, http.StatusNotFound, object{"error": object{"code": 404, "message": "unknown widget"}})
		return
	}
	httpx.WriteJSON(w, http.StatusOK, object{"name": "Report", "content": content})
}
