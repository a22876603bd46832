// Package deptest checks what a package links.
package deptest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ensemble-platform/ensemble"

// core is what every root package may link beside the standard library. Each entry covers the packages below it.
var core = []string{
	module + "/authz",
	module + "/internal/problem", module + "/internal/id", module + "/internal/page", module + "/internal/localname", module + "/internal/seal",
	"github.com/google/uuid",
	"github.com/shopspring/decimal",
	"github.com/cenkalti/backoff/v4",
	"github.com/expr-lang/expr",
}

// Root fails unless the package under test links only the standard library, itself, the core allowlist and allowed.
func Root(t *testing.T, pkg string, allowed ...string) {
	t.Helper()
	Only(t, pkg, append(slices.Clone(core), allowed...)...)
}

// Only fails unless the package links only the standard library, itself and allowed. pkg is relative to the module.
func Only(t *testing.T, pkg string, allowed ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"/"+pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	allowed = append(allowed, module+"/"+pkg)
	for dep := range strings.FieldsSeq(string(out)) {
		if !slices.ContainsFunc(allowed, func(a string) bool { return dep == a || strings.HasPrefix(dep, a+"/") }) {
			t.Errorf("%s links %s, which the dependency rules don't allow (docs/ARCHITECTURE.md)", pkg, dep)
		}
	}
}

// Never fails if the package links anything below one of banned.
func Never(t *testing.T, pkg string, banned ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, b := range banned {
			if dep == b || strings.HasPrefix(dep, b+"/") {
				t.Errorf("%s links %s, which the dependency rules forbid (docs/ARCHITECTURE.md)", pkg, dep)
			}
		}
	}
}
