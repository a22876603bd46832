package nexsql

import (
	"time"

	"github.com/ensemble-platform/ensemble/ent/nexdb"
	"github.com/ensemble-platform/ensemble/nex"
)

func fromDBTemplate(row *nexdb.Template) *nex.TemplateRecord {
	return &nex.TemplateRecord{
		Template: nex.Template{
			Name: row.ID, Version: row.Version, Command: orNil(row.Command), HealthPath: row.HealthPath,
			StopGrace: time.Duration(row.StopGrace) * time.Microsecond,
		},
		Sealed: row.Sealed,
	}
}

func fromDBApp(row *nexdb.App) *nex.AppRecord {
	r := &nex.AppRecord{
		App: nex.App{
			UID: row.ID, Name: row.Name, Organization: row.Organization, Template: row.Template,
			Status: nex.Status(row.Status), NextStatus: nex.Status(row.NextStatus), Errors: orNil(row.Errors), Restarts: row.Restarts,
			CreatedAt: instant(row.CreatedAt), StartedAt: instant(row.StartedAt), StoppedAt: instant(row.StoppedAt), TerminatedAt: instant(row.TerminatedAt),
		},
		Operation: row.Operation, Attempts: row.Attempts, RetryAt: instant(row.RetryAt),
	}
	if len(row.Sealed) > 0 {
		r.Sealed = row.Sealed
	}
	return r
}

// micros and instant give the zero time the number 0.

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// A column of strings holds [] rather than null.

func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func orNil(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}
