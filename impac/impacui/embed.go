//go:build !noui

package impacui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var distFS embed.FS

func dist() fs.FS {
	sub, err := fs.Sub(distFS, "dist")
	if err != nil {
		panic(err) // the directory is in the binary
	}
	return sub
}
