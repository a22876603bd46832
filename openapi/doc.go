// Package openapi holds the API descriptions of the platform. They are written by hand and come first; the packages below
// this one are generated from them: types, a client and a server for each subsystem.
//
// To add one: write NAME.yaml and the three NAME.cfg.*.yaml beside it, and give it a go:embed line and its go:generate
// lines below. Then run go generate in this folder.
package openapi

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:generate go tool oapi-codegen -config common.cfg.types.yaml common.yaml

//go:generate go tool oapi-codegen -config connec.cfg.types.yaml connec.yaml
//go:generate go tool oapi-codegen -config connec.cfg.client.yaml connec.yaml
//go:generate go tool oapi-codegen -config connec.cfg.server.yaml connec.yaml

//go:generate go tool oapi-codegen -config hub.cfg.types.yaml hub.yaml
//go:generate go tool oapi-codegen -config hub.cfg.client.yaml hub.yaml
//go:generate go tool oapi-codegen -config hub.cfg.server.yaml hub.yaml

//go:generate go tool oapi-codegen -config idm.cfg.types.yaml idm.yaml
//go:generate go tool oapi-codegen -config idm.cfg.client.yaml idm.yaml
//go:generate go tool oapi-codegen -config idm.cfg.server.yaml idm.yaml

//go:generate go tool oapi-codegen -config impac.cfg.types.yaml impac.yaml
//go:generate go tool oapi-codegen -config impac.cfg.client.yaml impac.yaml
//go:generate go tool oapi-codegen -config impac.cfg.server.yaml impac.yaml

//go:generate go tool oapi-codegen -config nex.cfg.types.yaml nex.yaml
//go:generate go tool oapi-codegen -config nex.cfg.client.yaml nex.yaml
//go:generate go tool oapi-codegen -config nex.cfg.server.yaml nex.yaml

//go:embed common.yaml
//go:embed connec.yaml
//go:embed hub.yaml
//go:embed idm.yaml
//go:embed impac.yaml
//go:embed nex.yaml
var files embed.FS

// Spec returns the description called name, such as "connec". The descriptions refer to each other by file name, as in
// "common.yaml#/components/schemas/Problem".
func Spec(name string) ([]byte, error) {
	b, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no API description called %q: %w", name, err)
	}
	return b, nil
}

// Names lists the descriptions in order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	slices.Sort(names)
	return names
}
