//go:build noui

package ui

import "io/fs"

func dist() fs.FS { return nil }
