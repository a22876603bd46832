package impac

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	today := date(2026, 11, 18) // a Wednesday
	type m = map[string]any
	for name, c := range map[string]struct {
		hist m
		from string
		ends []string
	}{
		"nothing":         {nil, "2026-01-01", []string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31", "2026-11-18"}},
		"months":          {m{"from": "2026-01-15", "to": "2026-03-10", "period": "monthly"}, "2026-01-15", []string{"2026-01-31", "2026-02-28", "2026-03-10"}},
		"days":            {m{"from": "2024-02-28", "to": "2024-03-01", "period": "DAILY"}, "2024-02-28", []string{"2024-02-28", "2024-02-29", "2024-03-01"}},
		"weeks":           {m{"from": "2026-01-01", "to": "2026-01-12", "period": "WEEKLY"}, "2026-01-01", []string{"2026-01-04", "2026-01-11", "2026-01-12"}},
		"quarters":        {m{"from": "2025-11-30", "to": "2026-04-01", "period": "QUARTERLY"}, "2025-11-30", []string{"2025-12-31", "2026-03-31", "2026-04-01"}},
		"years":           {m{"from": "2024-06-01", "to": "2026-01-01", "period": "YEARLY"}, "2024-06-01", []string{"2024-12-31", "2025-12-31", "2026-01-01"}},
		"financial years": {m{"from": "2024-06-01", "to": "2026-07-01", "period": "FYEARLY"}, "2024-06-01", []string{"2024-06-30", "2025-06-30", "2026-06-30", "2026-07-01"}},
		"range":           {m{"from": "2020-01-01", "to": "2026-10-31", "period": "RANGE"}, "2020-01-01", []string{"2026-10-31"}},
		"to today":        {m{"from": "2026-09-01", "to": "2026-09-30", "keep_today": "true"}, "2026-09-01", []string{"2026-09-30", "2026-10-31", "2026-11-18"}},
		"KPI's to today":  {m{"from": "2026-11-01", "to": "2026-09-30", "keepToday": true}, "2026-11-01", []string{"2026-11-18"}},
		"no future":       {m{"from": "2026-11-01", "to": "2027-12-31"}, "2026-11-01", []string{"2026-11-18"}},
		"only future":     {m{"from": "2026-12-01", "to": "2027-01-31"}, "2026-12-01", []string{"2026-12-31", "2027-01-31"}},
		"instants":        {m{"from": "2026-10-01T00:00:00.000Z", "to": "2026-10-31T00:00:00Z"}, "2026-10-01", []string{"2026-10-31"}},
		"one day":         {m{"from": "2026-10-05", "to": "2026-10-05"}, "2026-10-05", []string{"2026-10-05"}},
		"-2d":             {m{"time_range": "-2d"}, "2026-11-16", []string{"2026-11-16", "2026-11-17", "2026-11-18"}},
		"-1w":             {m{"time_range": "-1w"}, "2026-11-09", []string{"2026-11-15", "2026-11-18"}},
		"-2m":             {m{"time_range": "-2m"}, "2026-09-01", []string{"2026-09-30", "2026-10-31", "2026-11-18"}},
		"-1q":             {m{"time_range": "-1q"}, "2026-07-01", []string{"2026-09-30", "2026-11-18"}},
		"-1y":             {m{"time_range": "-1y"}, "2025-01-01", []string{"2025-12-31", "2026-11-18"}},
		"-1f":             {m{"time_range": "-1f"}, "2025-07-01", []string{"2026-06-30", "2026-11-18"}},
		"-0m by weeks":    {m{"time_range": "-0m", "period": "WEEKLY"}, "2026-11-01", []string{"2026-11-01", "2026-11-08", "2026-11-15", "2026-11-18"}},
		"range wins":      {m{"time_range": "-0y", "period": "RANGE", "from": "2000-01-01", "to": "2000-02-01"}, "2026-01-01", []string{"2026-11-18"}},
	} {
		p := params{}
		if c.hist != nil {
			p["hist_parameters"] = c.hist
		}
		w, err := p.window(today)
		require.NoError(t, err, name)
		require.Equal(t, c.from, w.from.Format(time.DateOnly), name)
		var ends []string
		for _, e := range w.ends {
			ends = append(ends, e.Format(time.DateOnly))
		}
		require.Equal(t, c.ends, ends, name)
		require.Equal(t, w.to, w.ends[len(w.ends)-1], name)

		// Every day of the window is in one interval, and no other day is.
		last := 0
		for day := w.from; !day.After(w.to); day = day.AddDate(0, 0, 1) {
			i := w.index(day)
			require.True(t, i == last || i == last+1, name)
			require.False(t, w.ends[i].Before(day), name)
			last = i
		}
		require.Equal(t, len(w.ends)-1, last, name)
		require.Equal(t, -1, w.index(w.from.AddDate(0, 0, -1)))
		require.Equal(t, -1, w.index(w.to.AddDate(0, 0, 1)))
	}
	w, err := params{"financial_year_end_month": "3", "hist_parameters": m{"time_range": "-1f"}}.window(today)
	require.NoError(t, err)
	require.Equal(t, "2025-04-01", w.from.Format(time.DateOnly))
	for _, s := range []string{"6m", "-6", "-m", "-6x", "--6m", "-9999m", "-6 m"} {
		_, err := params{"hist_parameters": m{"time_range": s}}.window(today)
		require.ErrorIs(t, err, ErrInvalid, s)
	}
	_, err = params{"financial_year_end_month": "13"}.window(today)
	require.ErrorIs(t, err, ErrInvalid)
}

// The window's filter lets through what index keeps, and hardly more.
func TestWindowFilter(t *testing.T) {
	t.Parallel()
	w, err := params{"hist_parameters": map[string]any{"from": "2026-01-01", "to": "2026-01-31"}}.window(date(2026, 6, 1))
	require.NoError(t, err)
	for _, offset := range []time.Duration{0, 10 * time.Hour, -8 * time.Hour} {
		match, err := ParseFilter(w.filter("d", offset))
		require.NoError(t, err)
		for at := date(2025, 12, 28); at.Before(date(2026, 2, 4)); at = at.Add(30 * time.Minute) {
			s := at.Format(time.RFC3339)
			day, ok := dayOf(s, offset)
			require.True(t, ok)
			if w.index(day) >= 0 {
				require.True(t, match(Record{"d": s}), "%s at %s", s, offset)
			}
		}
		require.False(t, match(Record{"d": "2025-12-30T00:00:00Z"}))
	}
}
