package uitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/id"
)

func connecError(w http.ResponseWriter, status int, title, code, path, reason string) {
	e := object{"id": id.UUID(), "href": nil, "status": strconv.Itoa(status), "code": strings.ReplaceAll(strings.ToLower(title), " ", "-"), "title": title, "detail": title, "meta": object{"code": code}}
	if reason != "" {
		e["detail"] = strings.TrimSpace(path + " " + reason)
		e["meta"] = object{"code": code, "path": path, "reason": reason}
	}
	httpx.WriteJSON(w, status, object{"errors": []object{e}})
}

func (p *Platform) connecRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v2/json_schema", func(w http.ResponseWriter, _ *http.Request) {
		types := []object{}
		for _, name := range collectionNames {
			types = append(types, object{"name": name, "singleton": name == "company", "schema": schemas[name]})
		}
		httpx.WriteJSON(w, http.StatusOK, object{"resource_types": types})
	})
	mux.HandleFunc("GET /api/v2/{org}", p.private(func(w http.ResponseWriter, r *http.Request) {
		links := []object{}
		for _, name := range collectionNames {
			links = append(links, object{name: object{"href": "/api/v2/" + r.PathValue("org") + "/" + name}})
		}
		httpx.WriteJSON(w, http.StatusOK, object{"_links": links})
	}))
	mux.HandleFunc("GET /api/v2/{org}/{collection}", p.private(p.list))
	mux.HandleFunc("GET /api/v2/{org}/{collection}/{id}", p.private(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		rec := p.find(r)
		if rec == nil {
			connecError(w, http.StatusNotFound, "Resource not found", "connec.not_found", "", "")
			return
		}
		shown := object{}
		for k, v := range rec {
			shown[k] = v
		}
		if r.Header.Get("CONNEC-EXTERNAL-IDS") == "true" {
			shown["id"] = []object{{"id": rec["id"], "provider": "connec", "realm": Acme}, {"id": "4711", "provider": "shop", "realm": "acme-store"}}
		}
		httpx.WriteJSON(w, http.StatusOK, object{r.PathValue("collection"): shown})
	}))
	mux.HandleFunc("PUT /api/v2/{org}/{collection}/{id}", p.private(p.update))
	mux.HandleFunc("GET /api/v2/{org}/{collection}/{id}/history", p.private(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		list := p.history[r.PathValue("id")]
		if list == nil {
			list = []object{}
		}
		httpx.WriteJSON(w, http.StatusOK, object{"transactions": list})
	}))
}

func (p *Platform) find(r *http.Request) object {
	if r.PathValue("org") != Acme {
		return nil
	}
	for _, rec := range p.records[r.PathValue("collection")] {
		if rec["id"] == r.PathValue("id") {
			return rec
		}
	}
	return nil
}

// list knows just enough of the filter language for the browser tests: "field eq 'text'", "_id in […]", and that the rest is malformed where
// it says "oops".
func (p *Platform) list(w http.ResponseWriter, r *http.Request) {
	name, q := r.PathValue("collection"), r.URL.Query()
	if !slices.Contains(collectionNames, name) {
		connecError(w, http.StatusBadRequest, "Unknown Resource", "connec.unknown_collection", "", "")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []object
	if r.PathValue("org") == Acme {
		all = slices.Clone(p.records[name])
	}
	filter := q.Get("$filter")
	if at := strings.Index(filter, "oops"); at >= 0 {
		connecError(w, http.StatusBadRequest, "Invalid input", "connec.invalid", "$filter", fmt.Sprintf("an operator expected at byte %d", at))
		return
	}
	if field, text, ok := strings.Cut(filter, " eq "); ok {
		all = slices.DeleteFunc(all, func(rec object) bool { return fmt.Sprint(rec[field]) != strings.Trim(text, "'") })
	} else if strings.HasPrefix(filter, "_id in ") {
		all = slices.DeleteFunc(all, func(rec object) bool { return !strings.Contains(filter, "'"+rec["id"].(string)+"'") })
	}
	if field, direction, _ := strings.Cut(q.Get("$orderby"), " "); field != "" {
		slices.SortStableFunc(all, func(a, b object) int {
			c := strings.Compare(fmt.Sprint(a[field]), fmt.Sprint(b[field]))
			if direction == "desc" {
				return -c
			}
			return c
		})
	}
	if name == "company" {
		if len(all) == 0 {
			all = []object{{"id": "c-" + r.PathValue("org"), "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}}
		}
		httpx.WriteJSON(w, http.StatusOK, object{name: all[0]})
		return
	}
	top, _ := strconv.Atoi(q.Get("$top"))
	if top <= 0 {
		top = 100
	}
	skip, _ := strconv.Atoi(q.Get("$skip"))
	page := all[min(skip, len(all)):min(skip+top, len(all))]
	if page == nil {
		page = []object{}
	}
	httpx.WriteJSON(w, http.StatusOK, object{name: page, "pagination": object{"skip": skip, "top": top, "total": len(all)}})
}

func (p *Platform) update(w http.ResponseWriter, r *http.Request) {
	var body map[string]object
	name := r.PathValue("collection")
	if err := httpx.ReadJSON(r.Body, &body); err != nil {
		connecError(w, http.StatusBadRequest, "Invalid input", "connec.invalid", "", err.Error())
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	rec := p.find(r)
	if rec == nil {
		connecError(w, http.StatusNotFound, "Resource not found", "connec.not_found", "", "")
		return
	}
	before := clone(rec)
	merge(rec, body[name])
	rec["updated_at"] = "2026-11-20T12:00:00Z"
	key := rec["id"].(string)
	p.history[key] = append([]object{transaction(key, len(p.history[key])+1, "UPDATE", "user", "Anna Lindqvist", "", before, clone(rec), "2026-11-20T12:00:00Z")}, p.history[key]...)
	httpx.WriteJSON(w, http.StatusOK, object{name: rec})
}

func merge(into, patch object) {
	for k, v := range patch {
		inner, isObject := v.(object)
		old, wasObject := into[k].(object)
		if isObject && wasObject {
			merge(old, inner)
		} else {
			into[k] = v
		}
	}
}

func clone(o object) object {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // made of JSON
	}
	var out object
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

func transaction(record string, version int, action, actorType, actor, group string, before, after object, at string) object {
	t := object{
		"id": fmt.Sprintf("%s-%d", record, version), "sequence": version, "organization": Acme, "collection": "", "resource_id": record,
		"version": version, "action": action, "actor": object{"type": actorType, "id": "x-" + actor, "name": actor}, "after": after, "at": at,
	}
	if before != nil {
		t["before"] = before
	}
	if group != "" {
		t["group"] = group
	}
	return t
}
