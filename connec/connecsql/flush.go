package connecsql

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/connec"
)

// maxList bounds the elements of an IN list and maxRows the rows of an INSERT. Databases bound the parameters of a statement, SQLite at 32766.
const (
	maxList = 512
	maxRows = 128
)

// finish writes what is left, unless a statement failed before, even if nobody minded.
func (t *tx) finish() error {
	if t.broken != nil {
		return t.broken
	}
	return t.flush()
}

// flush writes what the transaction holds back.
func (t *tx) flush() error {
	if err := t.flushRecords(); err != nil {
		return err
	}
	if err := t.insert("append transactions", "connec_transactions (sequence, uid, organization, collection, resource_id, version, action,"+
		" actor_type, actor_id, actor_name, group_id, request_id, after, at)", "", t.transactions); err != nil {
		return err
	}
	t.transactions = nil
	if err := t.flushIDMaps(); err != nil {
		return err
	}
	if err := t.flushDeliveries(); err != nil {
		return err
	}
	return t.flushCounters()
}

// insert writes rows with statements whose numbers of rows are powers of two, so that there are few different ones.
func (t *tx) insert(what, into, rest string, rows []row) error {
	for len(rows) > 0 {
		n := maxRows
		for n > len(rows) {
			n /= 2
		}
		b := t.store.dialect.build()
		b.WriteString(t.store.dialect.insert() + into + " VALUES ")
		for i, r := range rows[:n] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.sql("(?"+strings.Repeat(",?", len(r)-1)+")", r...)
		}
		b.WriteString(rest)
		if err := t.exec(what, b.String(), b.args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

const (
	recordInsert = "connec_resources (id, organization, collection, version, attributes, created_at, updated_at," +
		" code, reference, name, email, first_name, last_name, status, transaction_date)"
	recordReplace = " ON CONFLICT (id) DO UPDATE SET version = excluded.version, attributes = excluded.attributes," +
		" updated_at = excluded.updated_at, code = excluded.code, reference = excluded.reference, name = excluded.name," +
		" email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name," +
		" status = excluded.status, transaction_date = excluded.transaction_date"
)

func (t *tx) flushRecords() error {
	if err := t.insert("insert records", recordInsert, "", recordRows(t.inserts)); err != nil {
		return err
	}
	if err := t.insert("update records", recordInsert, recordReplace, recordRows(t.updates)); err != nil {
		return err
	}
	t.inserts, t.updates = nil, nil
	return nil
}

func recordRows(rs []*record) []row {
	rows := make([]row, len(rs))
	for i, r := range rs {
		r.held = false
		rows[i] = append(row{r.id, r.organization, r.collection, r.version, r.doc, r.created, r.updated}, r.columns...)
	}
	return rows
}

func (t *tx) flushIDMaps() error {
	rows := make([]row, 0, len(t.idMaps))
	for _, m := range t.idMaps {
		rows = append(rows, row{m.Organization, m.Scope, m.Provider, m.Realm, m.ID, m.Parent, m.RecordID, m.GroupID})
	}
	clear(t.idMaps)
	return t.insert("put id maps", "connec_id_maps (organization, scope, provider, realm, external_id, parent, record_id, group_id)",
		" ON CONFLICT (organization, scope, provider, realm, external_id, parent) DO UPDATE SET record_id = excluded.record_id, group_id = excluded.group_id", rows)
}

func (t *tx) flushCounters() error {
	rows := make([]row, 0, len(t.counters))
	for k, c := range t.counters {
		changed := 0
		if c.changed {
			changed = 1
		}
		rows = append(rows, row{k.organization, k.collection, c.number, c.records, changed})
	}
	clear(t.counters)
	greatest := "greatest"
	if t.store.dialect.sqlite {
		greatest = "max"
	}
	return t.insert("count", "connec_counters (organization, collection, number, records, changes)",
		" ON CONFLICT (organization, collection) DO UPDATE SET number = "+greatest+"(connec_counters.number, excluded.number),"+
			" records = connec_counters.records + excluded.records, changes = connec_counters.changes + excluded.changes", rows)
}

// flushDeliveries marks as head those with no pending one of their subscription and record before them.
func (t *tx) flushDeliveries() error {
	ds := t.deliveries
	t.deliveries = nil
	slices.SortStableFunc(ds, func(a, b *connec.Delivery) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for len(ds) > 0 {
		n := maxRows
		for n > len(ds) {
			n /= 2
		}
		seen := map[[2]string]bool{}
		b := t.store.dialect.build()
		b.WriteString(t.store.dialect.insert() + "connec_deliveries (id, subscription_id, organization, collection, resource_id, sequence, state, pending, attempts," +
			" next_attempt_at, due_at, last_status, last_error, created_at, updated_at, head) VALUES ")
		for i, d := range ds[:n] {
			if i > 0 {
				b.WriteByte(',')
			}
			pair := [2]string{d.SubscriptionID, d.ResourceID}
			due := micros(d.NextAttemptAt)
			b.sql("(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,", d.ID, d.SubscriptionID, d.Organization, d.Collection, d.ResourceID, d.Sequence, string(connec.Pending), true,
				d.Attempts, due, due, d.LastStatus, d.LastError, micros(d.CreatedAt), micros(d.UpdatedAt))
			b.sql("(CAST(? AS boolean) AND NOT EXISTS (SELECT 1 FROM connec_deliveries p WHERE p.subscription_id = ? AND p.resource_id = ?"+
				" AND p.pending)))", !seen[pair], d.SubscriptionID, d.ResourceID)
			seen[pair] = true
		}
		if err := t.exec("insert deliveries", b.String(), b.args); err != nil {
			return err
		}
		ds = ds[n:]
	}
	return nil
}
