package hubsql

import (
	"time"

	"github.com/ensemble-platform/ensemble/ent/hubdb"
	"github.com/ensemble-platform/ensemble/hub"
)

func fromDBOrganization(d *hubdb.Organization) *hub.Organization {
	return &hub.Organization{
		Number: d.ID, ID: d.UID, Name: d.Name, Currency: d.Currency, FinancialYearEndMonth: d.FinancialYearEndMonth,
		CreatedAt: utc(d.CreatedAt), UpdatedAt: utc(d.UpdatedAt),
	}
}

func fromDBApp(d *hubdb.App) *hub.AppRecord {
	return &hub.AppRecord{
		App: hub.App{
			Number: d.ID, NID: d.Nid, ID: d.UID, Name: d.Name, TinyDescription: d.TinyDescription, Description: d.Description, Logo: d.Logo,
			Categories: d.Categories, Stack: hub.Stack(d.Stack), Host: d.Host, SSOInitPath: d.SSOInitPath, NotificationPath: d.NotificationPath,
			Collections: d.Collections, ExternalIDs: d.ExternalIds, RedirectPaths: d.RedirectPaths, Active: d.Active,
			CreatedAt: utc(d.CreatedAt), UpdatedAt: utc(d.UpdatedAt),
		},
		SealedKey: nonEmpty(d.SealedKey), Published: d.Published,
	}
}

func fromDBInstance(d *hubdb.Instance) *hub.InstanceRecord {
	r := &hub.InstanceRecord{
		AppInstance: hub.AppInstance{
			Number: d.ID, ID: d.UID, OrganizationID: d.OrganizationUID, Name: d.Name, Status: hub.Status(d.Status), Progress: d.Progress, Step: d.Step,
			Errors: d.Errors, URL: d.URL, CreatedAt: utc(d.CreatedAt), StartedAt: at(d.StartedAt), TerminatedAt: at(d.TerminatedAt), UpdatedAt: utc(d.UpdatedAt),
		},
		AppID: d.AppUID, ClientID: d.ClientUID, SealedSecrets: nonEmpty(d.SealedSecrets), Settings: d.Settings,
		Order: hub.Order{
			Kind: hub.OrderKind(d.OrderKind), Step: d.OrderStep, StepAt: at(d.OrderStepAt), Attempts: d.OrderAttempts, DueAt: at(d.OrderDueAt),
			Claim: d.OrderClaim, ClaimedUntil: at(d.OrderClaimedUntil),
		},
	}
	if len(d.Durations) > 0 {
		r.Durations = make(map[hub.Status]time.Duration, len(d.Durations))
		for status, ns := range d.Durations {
			r.Durations[hub.Status(status)] = time.Duration(ns)
		}
	}
	return r
}

func toDBDurations(m map[hub.Status]time.Duration) map[string]int64 {
	out := make(map[string]int64, len(m))
	for status, d := range m {
		out[string(status)] = int64(d)
	}
	return out
}

// activeKey is unique among the instances that aren't terminated.
func activeKey(r *hub.InstanceRecord) *string {
	if r.Status == hub.Terminated {
		return nil
	}
	return new(r.OrganizationID + " " + r.AppID)
}

// freeAt is when r's order can be claimed.
func freeAt(o hub.Order) *time.Time {
	if o.Kind == "" {
		return nil
	}
	t := o.DueAt
	if o.Claim != "" && o.ClaimedUntil.After(t) {
		t = o.ClaimedUntil
	}
	return new(utc(t))
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return utc(*t)
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(utc(t))
}

func nonEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}
