package connec

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWait(t *testing.T) {
	d := NewDispatcher(nil, nil)
	within := func(got, low, high time.Duration) {
		t.Helper()
		require.GreaterOrEqual(t, got, low)
		require.LessOrEqual(t, got, high)
	}
	seen := map[time.Duration]bool{}
	for range 200 {
		for attempts, step := range map[int]time.Duration{1: 5 * time.Second, 2: 5 * time.Minute, 3: 30 * time.Minute, 7: 10 * time.Hour} {
			w := d.wait(attempts, 0)
			within(w, step*8/10-time.Microsecond, step*12/10)
			seen[w] = true
		}
	}
	require.Greater(t, len(seen), 100, "waits are spread")
	require.Equal(t, time.Minute, d.wait(1, time.Minute), "an endpoint may ask for more")
	within(d.wait(1, 24*time.Hour), 10*time.Minute, 10*time.Minute)
	within(d.wait(4, 24*time.Hour), 32*time.Minute*2, 5*time.Hour) // at most twice the step
	within(d.wait(3, time.Second), 24*time.Minute, 36*time.Minute)

	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d.clock = func() time.Time { return now }
	require.Equal(t, 90*time.Second, d.retryAfter("90"))
	require.Equal(t, time.Minute, d.retryAfter("Thu, 01 Jan 2026 00:01:00 GMT"))
	require.Equal(t, 24*time.Hour, d.retryAfter("999999999"))
	for _, h := range []string{"", "-5", "soon", "1.5"} {
		require.Zero(t, d.retryAfter(h), h)
	}
}

func TestParseTime(t *testing.T) {
	for in, want := range map[string]string{
		"2017-01-01T00:00:00Z":                    "2017-01-01T00:00:00Z",
		"2017-01-01T00:00:00.000Z":                "2017-01-01T00:00:00Z",
		"2017-01-01T00:00:00.1234569Z":            "2017-01-01T00:00:00.123456Z",
		"2017-01-01T00:00:00+0530":                "2016-12-31T18:30:00Z",
		"2017-01-01T00:00:00":                     "2017-01-01T00:00:00Z",
		"2017-01-01":                              "2017-01-01T00:00:00Z",
		" 2017-01-01 10:11:12 ":                   "2017-01-01T10:11:12Z",
		"2017-01-01 10:11:12 UTC":                 "2017-01-01T10:11:12Z",
		"2017-01-01 10:11:12 +0200":               "2017-01-01T08:11:12Z",
		"Sun Jan 01 2017 10:00:00 GMT+0100 (CET)": "2017-01-01T09:00:00Z",
		"Sun, 01 Jan 2017 10:00:00 GMT":           "2017-01-01T10:00:00Z",
		"0001-01-01T00:00:00Z":                    "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":                    "9999-12-31T23:59:59Z",
	} {
		got, ok := parseTime(in)
		require.True(t, ok, in)
		require.Equal(t, want, FormatTime(got), in)
	}
	for _, in := range []string{"", "x", "2017", "2017-13-01", "2017-02-30", "01/02/2017", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2017-01-01 10:00:00 XYZ"} {
		_, ok := parseTime(in)
		require.False(t, ok, in)
	}
}

func TestCanonicalNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.00": "0.00", "10.50": "10.50", "1e3": "1000", "1.5E-3": "0.0015", "-12": "-12", "123456789012345678901234567890": "123456789012345678901234567890",
	} {
		got, ok := canonicalNumber(in)
		require.True(t, ok, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "-", "01", "+1", ".5", "1.", "1e", "1e999", "1e-999", "NaN", "Infinity", "0x10", "1_000", " 1"} {
		_, ok := canonicalNumber(in)
		require.False(t, ok, in)
	}
}

func TestClasses(t *testing.T) {
	m := canonical()
	for in, want := range map[string]string{
		"Invoice": "invoices", "Entity::AppUser": "app_users", "TaxCode": "tax_codes", "Person": "people", "people": "people", "company": "company", "Company": "company",
		"Opportunity": "opportunities", "tax_rates": "tax_rates", "TimeActivity": "time_activities", "Credit Note": "credit_notes",
	} {
		got, ok := m.class(in)
		require.True(t, ok, in)
		require.Equal(t, want, got, in)
	}
	_, ok := m.class("Spaceship")
	require.False(t, ok)
}
