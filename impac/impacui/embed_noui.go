//go:build noui

package impacui

import "io/fs"

func dist() fs.FS { return nil }
