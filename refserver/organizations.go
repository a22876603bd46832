package refserver

import (
	"context"
	"slices"
	"strconv"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/impac/impachttp"
)

// organizations tells Impac's frontends the numbers and names of organizations, which the hub knows.
type organizations struct{ hub hub.Service }

// Describe lists what the caller may see, once, rather than ask for each.
func (o organizations) Describe(ctx context.Context, refs []string) ([]impachttp.Organization, error) {
	all, err := o.hub.ListOrganizations(ctx)
	if err != nil {
		return nil, err
	}
	var out []impachttp.Organization
	for _, org := range all {
		if slices.Contains(refs, org.ID) || slices.Contains(refs, strconv.FormatInt(org.Number, 10)) {
			out = append(out, impachttp.Organization{Number: org.Number, UID: org.ID, Label: org.Name})
		}
	}
	return out, nil
}
