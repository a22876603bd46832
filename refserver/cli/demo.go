package cli

import (
	"fmt"
	"os"

	"github.com/ensemble-platform/ensemble/examples/hostedapp/app"
	"github.com/ensemble-platform/ensemble/refserver"
	"github.com/ensemble-platform/ensemble/refserver/demo"
)

type demoCmd struct {
	DataDir string `help:"Folder that keeps the demo's data; delete it to begin anew." default:"ensemble-data" type:"path"`
	Listen  string `help:"Address to serve on." default:"127.0.0.1:8080"`
	JSON    string `name:"json" help:"Write addresses and credentials to this file once all is ready." type:"path" placeholder:"FILE"`
	Verbose bool   `short:"v" help:"Log every request to standard error."`
}

func (d *demoCmd) Run(c *console) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cfg := refserver.Defaults()
	cfg.DataDir, cfg.Listen = d.DataDir, d.Listen
	cfg.LogFormat, cfg.LogLevel = "text", "error"
	if d.Verbose {
		cfg.LogLevel = "info"
	}
	_, _ = fmt.Fprintf(c.out, "\n  Preparing the demo in %s …\n", d.DataDir)
	c.stopping()
	return demo.Run(c.ctx, demo.Options{
		Config: cfg, JSON: d.JSON, Out: c.out, Terminal: isTerminal(c.out), Log: logger(cfg, c.err), HostedApp: []string{self, "hosted-app"},
	})
}

type hostedAppCmd struct{}

func (hostedAppCmd) Run(c *console) error { return app.Main(c.ctx, os.Environ(), c.err) }
