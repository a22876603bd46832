package nex

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A customer must not choose what the operator's program loads or runs.
func TestLoadersAreReserved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"LD_PRELOAD", "BASH_ENV", "ENV", "NODE_OPTIONS", "PYTHONSTARTUP", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS",
		"DOTNET_STARTUP_HOOKS", "PHP_INI_SCAN_DIR", "LUA_INIT_5_4", "OPENSSL_CONF", "GCONV_PATH", "GIT_SSH_COMMAND", "GODEBUG", "PATH", "node_options",
	} {
		require.Len(t, checkEnv(map[string]string{name: "x"}, notForApps), 1, name)
		require.Empty(t, checkEnv(map[string]string{name: "x"}, notForTemplates), name)
	}
	for _, name := range []string{"MNO_API_KEY", "GROUP_ID", "OIDC_ISSUER", "WEBHOOK_SECRET", "NODE_ENV", "ENVIRONMENT", "RAILS_ENV", "DATABASE_URL", "HOMEPAGE"} {
		require.Empty(t, checkEnv(map[string]string{name: "x"}, notForApps), name)
	}
}
