package nex

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Bounds of an environment, well below what operating systems allow.
const (
	maxEnvVars  = 256
	maxEnvBytes = 96 << 10
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// secrets is what a Store keeps sealed of an app.
type secrets struct {
	Env map[string]string `json:"env,omitempty"`
	Key string            `json:"key,omitempty"` // NEX_SECRET_KEY
}

func newSecretKey() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand.Read crashes the program instead
	return hex.EncodeToString(b)
}

// checkEnv refuses what can't be an environment, and names that mean something to nex. An app's own environment comes from a
// customer, who must not choose what the operator's program loads: reserved tells those names.
func checkEnv(env map[string]string, reserved func(string) bool) []problem.Field {
	var bad []problem.Field
	size := 0
	for _, name := range slices.Sorted(maps.Keys(env)) {
		size += len(name) + len(env[name]) + 2
		switch {
		case !envName.MatchString(name):
			bad = append(bad, problem.Field{Path: "env", Reason: fmt.Sprintf("has a malformed name, %.40q", name)})
		case name == "PORT", strings.HasPrefix(name, "NEX_"), reserved(name):
			bad = append(bad, problem.Field{Path: "env." + name, Reason: "is set by nex alone"})
		case strings.ContainsRune(env[name], 0):
			bad = append(bad, problem.Field{Path: "env." + name, Reason: "must not hold a zero byte"})
		}
	}
	if len(env) > maxEnvVars {
		bad = append(bad, problem.Field{Path: "env", Reason: fmt.Sprintf("has more than %d variables", maxEnvVars)})
	}
	if size > maxEnvBytes {
		bad = append(bad, problem.Field{Path: "env", Reason: fmt.Sprintf("is larger than %d bytes", maxEnvBytes)})
	}
	return bad[:min(len(bad), 20)]
}

// loaders are names and, where they end in "_", beginnings of names by which a system's loader, a shell or a language's runtime is
// told to load or run something.
var loaders = []string{
	"PATH", "HOME", "TMPDIR", "SHELL", "USER", "IFS", "ENV", "BASH_", "BASHOPTS", "SHELLOPTS", "PS4", "PROMPT_COMMAND", "ZDOTDIR",
	"LD_", "DYLD_", "GLIBC_", "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_", "GODEBUG",
	"NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE", "NPM_", "DENO_", "BUN_", "GEM_", "BUNDLE_",
	"JAVA_TOOL_OPTIONS", "JDK_", "_JAVA_", "JAVA_OPTS", "CLASSPATH", "CATALINA_", "PHPRC", "PHP_", "LUA_", "DOTNET_", "CORECLR_", "COR_", "ERL_",
	"OPENSSL_", "GIT_", "SSH_", "EDITOR", "VISUAL", "PAGER", "BROWSER",
}

func notForApps(name string) bool {
	name = strings.ToUpper(name)
	for _, l := range loaders {
		if name == l || strings.HasSuffix(l, "_") && strings.HasPrefix(name, l) {
			return true
		}
	}
	// Without a separator: PYTHONPATH, PERL5OPT, RUBYLIB.
	return strings.HasPrefix(name, "PYTHON") || strings.HasPrefix(name, "PERL") || strings.HasPrefix(name, "RUBY")
}

func notForTemplates(string) bool { return false }

// spec is how the backend is to run an app, from its template as it is now.
func (e *Engine) spec(ctx context.Context, r *AppRecord) (Spec, error) {
	t, err := e.store.GetTemplate(ctx, r.Template)
	if err != nil {
		return Spec{}, fmt.Errorf("template %s: %w", r.Template, err)
	}
	var own secrets
	if err := e.sealer.OpenJSON(appOwner(r.UID), r.Sealed, &own); err != nil {
		return Spec{}, fmt.Errorf("environment of %s: %w", r.UID, err)
	}
	shared, err := e.templateEnv(t)
	if err != nil {
		return Spec{}, err
	}
	env := map[string]string{}
	maps.Copy(env, shared)
	maps.Copy(env, own.Env)
	public := e.url(r.UID)
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" {
		return Spec{}, errors.New("the public address is not a URL: " + public)
	}
	maps.Copy(env, map[string]string{
		"NEX_APP_UID":         r.UID,
		"NEX_ORG":             r.Organization,
		"NEX_RELEASE":         t.Version,
		"NEX_PUBLIC_URL":      public,
		"NEX_SECRET_KEY":      own.Key,
		"NEX_TRUSTED_PROXY":   "127.0.0.1",
		"MNO_SERVER_HOSTNAME": u.Hostname(),
	})
	return Spec{ID: r.UID, Organization: r.Organization, Template: t.Name, Command: t.Command, Env: env}, nil
}

func (e *Engine) templateEnv(t *TemplateRecord) (map[string]string, error) {
	var env map[string]string
	if err := e.sealer.OpenJSON(templateOwner(t.Name), t.Sealed, &env); err != nil {
		return nil, fmt.Errorf("environment of template %s: %w", t.Name, err)
	}
	return env, nil
}

// The owners that sealed values are bound to.
func appOwner(uid string) string       { return "app/" + uid }
func templateOwner(name string) string { return "template/" + name }
