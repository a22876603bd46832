// Package cli is the command line of the reference server.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ensemble-platform/ensemble/refserver"
)

// Main runs one command and returns the exit code: 0, 1 for a failure, 2 for wrong usage, 130 for what was interrupted.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program as if it had never been caught
	return run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

type commands struct {
	Serve   serveCmd   `cmd:"" help:"Run the server: all subsystems, or some of them with others elsewhere."`
	Demo    demoCmd    `cmd:"" help:"Run everything with a generated company in it. Nothing to set up."`
	Migrate migrateCmd `cmd:"" help:"Bring the databases up to date and stop."`
	Import  importCmd  `cmd:"" help:"Import a folder of CSV files into an organization, by a mapping."`
	User    userCmd    `cmd:"" help:"Manage people who can sign in."`
	Config  configCmd  `cmd:"" help:"Show the configuration that serve would use."`
	Version versionCmd `cmd:"" help:"Show the version."`
	// What the demo's hosted app is: this program again, so that a machine with only Go can host something.
	HostedApp hostedAppCmd `cmd:"" hidden:"" name:"hosted-app"`
}

// console is where commands read and write.
type console struct {
	ctx      context.Context
	in       io.Reader
	out, err io.Writer
}

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var cmds commands
	code := -1
	parser, err := kong.New(&cmds,
		kong.Name("ensemble"),
		kong.Description("Ensemble makes the apps of a business one system: users and marketplace (hub), authorisation (idm), hosting (nex), shared data (connec) and reports (impac)."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Writers(out, errOut), kong.Exit(func(c int) { code = c }),
	)
	if err != nil {
		panic(err) // the commands are part of the program
	}
	hideUnused(parser.Model.Node)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if code >= 0 { // --help
		return code
	}
	if err != nil {
		command := "ensemble"
		if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context.Selected() != nil {
			command = parse.Context.Selected().FullPath()
		}
		_, _ = fmt.Fprintf(errOut, "ensemble: %v\nTry: %s --help\n", err, command)
		return 2
	}
	err = kctx.Run(&console{ctx: ctx, in: in, out: out, err: errOut})
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return 130
	default:
		_, _ = fmt.Fprintf(errOut, "ensemble: %v\n", err)
		return 1
	}
}

// unused are the flags that a command has with refserver.Config but makes no use of. They are taken, as they are from the environment: one
// set of settings does for all commands. Help leaves them out.
var unused = map[string][]string{
	"ensemble migrate": {
		"listen", "public-url", "apps-domain", "admin-listen", "issuer-url", "auto-migrate", "secret-key",
		"allow-private-webhooks", "max-body", "log-level", "log-format", "shutdown-timeout",
	},
	"ensemble user add": {
		"listen", "public-url", "apps-domain", "admin-listen", "nex", "connec", "impac", "issuer-url",
		"allow-private-webhooks", "max-body", "log-level", "log-format", "shutdown-timeout",
	},
}

func hideUnused(n *kong.Node) {
	for _, f := range n.Flags {
		f.Hidden = f.Hidden || slices.Contains(unused[n.FullPath()], f.Name)
	}
	for _, child := range n.Children {
		hideUnused(child)
	}
}

// logger makes the server's log from its configuration.
func logger(cfg refserver.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // kong has checked it
	opts := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

type serveCmd struct {
	refserver.Config `embed:""`
}

func (s *serveCmd) Run(c *console) error {
	log := logger(s.Config, c.err)
	srv, err := refserver.New(c.ctx, s.Config, log)
	if err != nil {
		return err
	}
	c.stopping()
	return srv.Run(c.ctx, nil)
}

type migrateCmd struct {
	refserver.Config `embed:""`
}

func (m *migrateCmd) Run(c *console) error {
	return refserver.Migrate(c.ctx, m.Config, func(sub string) { _, _ = fmt.Fprintf(c.out, "%s is up to date\n", sub) })
}

type configCmd struct {
	refserver.Config `embed:""`
}

func (k *configCmd) Run(c *console) error {
	cfg := k.Config
	if err := cfg.Validate(); err != nil {
		return err
	}
	for _, line := range cfg.Effective() {
		_, _ = fmt.Fprintln(c.out, line)
	}
	return nil
}

type versionCmd struct{}

func (versionCmd) Run(c *console) error {
	_, _ = fmt.Fprintln(c.out, "ensemble "+version())
	return nil
}

// version is the module's, with the commit it was built from where that is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
	}
	var commit, dirty string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = " " + s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	return strings.TrimSpace(v+commit+dirty) + " " + info.GoVersion
}
