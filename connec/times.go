package connec

import "time"

// FormatTime gives an instant as attributes hold it and as clients see it: UTC with a Z, and a fraction of a second only if there is one.
func FormatTime(t time.Time) string { return TimeKey(t) + "Z" }
