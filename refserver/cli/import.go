package cli

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
)

type importCmd struct {
	Mapping      string `help:"Mapping file, or the name of a shipped one: adventureworks, classicmodels." required:"" placeholder:"FILE"`
	Organization string `help:"Organization (org-…) or app instance (cld-…) to import into." required:"" placeholder:"UID"`
	Source       string `help:"Folder of the CSV files." required:"" type:"existingdir" placeholder:"DIR"`
	URL          string `help:"Server to import into." default:"http://localhost:8080" env:"ENSEMBLE_URL"`
	Session      string `help:"Session token (sso_session) to import as." env:"ENSEMBLE_SESSION" placeholder:"TOKEN" xor:"credential"`
	APIKey       string `name:"api-key" help:"id:key of an app, tenant or service to import as." env:"ENSEMBLE_API_KEY" placeholder:"ID:KEY" xor:"credential"`
	Batch        int    `help:"Records sent at once." default:"100"`
	State        string `help:"File that remembers how far the import has come. Default: in the current folder, named after mapping and organization." type:"path" placeholder:"FILE"`
	Restart      bool   `help:"Begin at the beginning. It changes nothing that is imported already."`
	Quiet        bool   `short:"q" help:"No progress bar."`
}

func (i *importCmd) Run(c *console) error {
	m, err := conneccsv.Load(i.Mapping)
	if err != nil {
		return err
	}
	cred := authz.SessionToken(i.Session)
	if id, key, ok := strings.Cut(i.APIKey, ":"); ok {
		cred = authz.Key(id, key)
	} else if i.Session == "" {
		return errors.New("an import needs --session or --api-key (id:key)")
	}
	if i.State == "" {
		i.State = fmt.Sprintf("import-%s-%s.json", filepath.Base(m.Name), filepath.Base(i.Organization))
	}
	state, err := conneccsv.OpenCheckpoint(i.State)
	if err != nil {
		return err
	}
	if i.Restart {
		if err := state.Remove(); err != nil {
			return err
		}
	}
	started := time.Now()
	bar := &progressBar{console: c, quiet: i.Quiet, started: started}
	im := &conneccsv.Importer{
		Service: connechttp.NewClient(strings.TrimRight(i.URL, "/"), &http.Client{Timeout: 2 * time.Minute}),
		Group:   i.Organization, Mapping: m, Source: os.DirFS(i.Source), BatchSize: i.Batch, Checkpoint: state, Progress: bar.show,
	}
	rep, err := im.Run(authz.WithCredential(c.ctx, cred))
	bar.end()
	_, _ = fmt.Fprintf(c.out, "%d rows: %d records created, %d found, %d refused, in %s\n", rep.Rows, rep.Created, rep.Found, rep.Failed, time.Since(started).Round(time.Millisecond))
	for n, e := range rep.Errors {
		if n == 20 {
			_, _ = fmt.Fprintf(c.err, "  … and %d more\n", len(rep.Errors)-n)
			break
		}
		_, _ = fmt.Fprintf(c.err, "  %v\n", e)
	}
	if err == nil || rep.Failed > 0 {
		// The next run looks at every row again: refused rows may be right then, and a finished import has nothing to resume.
		if err := state.Remove(); err != nil {
			return err
		}
	}
	switch {
	case err != nil && rep.Rows > rep.Failed:
		return fmt.Errorf("%w\nRun the same command again to go on", err)
	case err != nil:
		return err
	case rep.Failed > 0:
		return fmt.Errorf("%d rows were refused; put them right and run the same command again", rep.Failed)
	}
	return nil
}

// progressBar draws one line for each entity.
type progressBar struct {
	*console
	quiet   bool
	started time.Time
	open    bool
}

func (b *progressBar) show(p conneccsv.Progress) {
	if b.quiet {
		return
	}
	const width = 24
	filled := (p.Index*width + width/2) / p.Entities
	if p.Done {
		filled = (p.Index + 1) * width / p.Entities
	}
	rate := float64(p.Rows) / max(time.Since(b.started).Seconds(), 0.001)
	_, _ = fmt.Fprintf(b.err, "\r\033[K[%s%s] %d/%d %-32.32s %7d rows %6.0f/s", strings.Repeat("█", filled), strings.Repeat("░", width-filled), p.Index+1, p.Entities, p.Entity, p.Rows, rate)
	b.open = true
	if p.Done {
		_, _ = fmt.Fprintln(b.err)
		b.open = false
		b.started = time.Now()
	}
}

func (b *progressBar) end() {
	if b.open {
		_, _ = fmt.Fprintln(b.err)
	}
}
