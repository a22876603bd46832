package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

type importCmd struct {
	Mapping      string `help:"Mapping file, or the name of a shipped one: adventureworks, classicmodels." required:"" placeholder:"FILE"`
	Organization string `help:"Organization (org-…) or app instance (cld-…) to import into." required:"" placeholder:"UID"`
	Source       string `help:"Folder of the CSV files." required:"" type:"existingdir" placeholder:"DIR"`
	URL          string `help:"Server to import into." default:"http://localhost:8080" env:"ENSEMBLE_URL"`
	Session      string `help:"Session token (sso_session) to import as." env:"ENSEMBLE_SESSION" placeholder:"TOKEN" xor:"credential"`
	APIKey       string `name:"api-key" help:"id:key of an app, tenant or service to import as." env:"ENSEMBLE_API_KEY" placeholder:"ID:KEY" xor:"credential"`
	Batch        int    `help:"Records sent at once, up to 1000." default:"100"`
	State        string `help:"File that remembers how far the import has come. Default: in the current folder, named after mapping and organization." type:"path" placeholder:"FILE"`
	Restart      bool   `help:"Begin at the beginning. It changes nothing that is imported already."`
	Quiet        bool   `short:"q" help:"Don't show progress."`
}

// Validate finds wrong usage; kong calls it.
func (i *importCmd) Validate() error {
	id, key, _ := strings.Cut(i.APIKey, ":")
	switch {
	case i.Mapping == "" || i.Organization == "" || i.Source == "":
		return nil // kong says that they are missing
	case i.Session == "" && i.APIKey == "":
		return errors.New("an import needs --session TOKEN or --api-key ID:KEY")
	case i.APIKey != "" && (id == "" || key == ""):
		return errors.New("--api-key must be the id and the key with a colon between them")
	case i.Batch < 1 || i.Batch > 1000:
		return fmt.Errorf("--batch %d must be 1 to 1000", i.Batch)
	case !strings.HasPrefix(i.URL, "http://") && !strings.HasPrefix(i.URL, "https://"):
		return fmt.Errorf("--url %s must begin with http:// or https://", i.URL)
	}
	return nil
}

func (i *importCmd) credential() authz.Credential {
	if id, key, ok := strings.Cut(i.APIKey, ":"); ok {
		return authz.Key(id, key)
	}
	return authz.SessionToken(i.Session)
}

func (i *importCmd) Run(c *console) error {
	m, err := conneccsv.Load(i.Mapping)
	if err != nil {
		return err
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
	bar := &progress{console: c, quiet: i.Quiet, drawn: isTerminal(c.err), started: started}
	im := &conneccsv.Importer{
		Service: connechttp.NewClient(strings.TrimRight(i.URL, "/"), &http.Client{Timeout: 2 * time.Minute}),
		Group:   i.Organization, Mapping: m, Source: os.DirFS(i.Source), BatchSize: i.Batch, Checkpoint: state, Progress: bar.show, Waiting: bar.wait,
	}
	rep, err := im.Run(authz.WithCredential(c.ctx, i.credential()))
	bar.end()
	if rep.Rows > 0 || err == nil {
		_, _ = fmt.Fprintf(c.out, "%d rows: %d records created, %d found, %d refused, in %s\n", rep.Rows, rep.Created, rep.Found, rep.Failed, time.Since(started).Round(time.Millisecond))
	}
	for n, e := range rep.Errors {
		if n == 20 {
			_, _ = fmt.Fprintf(c.err, "  … and %d more\n", len(rep.Errors)-n)
			break
		}
		_, _ = fmt.Fprintf(c.err, "  %v\n", e)
	}
	// What was cut off goes on from its state. After refused rows the files may change, and then positions in them mean nothing.
	if err == nil || errors.Is(err, conneccsv.ErrTooManyErrors) {
		if err := state.Remove(); err != nil {
			return err
		}
	}
	if err == nil && rep.Failed > 0 {
		return fmt.Errorf("%d rows were refused; put them right and run the same command again", rep.Failed)
	}
	if err != nil && c.ctx.Err() != nil {
		_, _ = fmt.Fprintln(c.err, "cut off; run the same command again to go on")
		return context.Canceled
	}
	return i.explain(err, rep)
}

// explain says what to do about an import that ended early.
func (i *importCmd) explain(err error, rep *conneccsv.Report) error {
	if err == nil || errors.Is(err, conneccsv.ErrTooManyErrors) {
		return err
	}
	if missing, ok := errors.AsType[*conneccsv.MissingFilesError](err); ok {
		return fmt.Errorf("%s lacks files that the mapping names (as they are, or with .gz): %s", i.Source, strings.Join(missing.Files, ", "))
	}
	remote, isRemote := errors.AsType[*problem.Remote](err)
	switch {
	case errors.Is(err, authz.ErrUnauthenticated):
		err = fmt.Errorf("the server knows no such session or API key; it may be over: sign in for a new one (%w)", err)
	case errors.Is(err, authz.ErrDenied):
		err = fmt.Errorf("no access to the data of %s: is --organization right? (%w)", i.Organization, err)
	case errors.Is(err, connec.ErrUnknownCollection):
		return err
	case errors.Is(err, conneccsv.ErrUnreachable) && rep.Rows == 0:
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op // the rest is what we already say
		}
		return fmt.Errorf("no Ensemble server at %s: start one, or name its address with --url (%w)", i.URL, err)
	case isRemote && remote.Problem.Code == "" && rep.Rows == 0:
		return fmt.Errorf("what answers at %s is not an Ensemble server: name its address with --url (%w)", i.URL, err)
	}
	if rep.Rows == 0 {
		return err
	}
	return fmt.Errorf("%w\nRun the same command again to go on", err)
}

// progress shows how far an import is: a bar for each entity, drawn in place on a terminal, and a line for each elsewhere.
type progress struct {
	*console
	quiet, drawn bool
	started      time.Time
	// open says that the cursor stands in a line that isn't ended, waiting that the server is away.
	open, waiting bool
}

func (b *progress) show(p conneccsv.Progress) {
	b.waiting = false
	if b.quiet || !b.drawn && !p.Done {
		return
	}
	rate := float64(p.Rows) / max(time.Since(b.started).Seconds(), 0.001)
	line := fmt.Sprintf("%d/%d %-32.32s %7d rows %6.0f/s", p.Index+1, p.Entities, p.Entity, p.Rows, rate)
	if p.Done && p.Kept > 0 {
		line = fmt.Sprintf("%d/%d %-32.32s is there already and stays as it is", p.Index+1, p.Entities, p.Entity)
	}
	if b.drawn {
		const width = 24
		filled := (p.Index*width + width/2) / p.Entities
		if p.Done {
			filled = (p.Index + 1) * width / p.Entities
		}
		line = "\r\033[K[" + strings.Repeat("█", filled) + strings.Repeat("░", width-filled) + "] " + line
		b.open = true
	}
	_, _ = fmt.Fprint(b.err, line)
	if p.Done {
		b.open = true
		b.end()
		b.started = time.Now()
	}
}

// wait says once that the server is away.
func (b *progress) wait(error) {
	if b.waiting {
		return
	}
	b.waiting = true
	if b.drawn && !b.quiet {
		_, _ = fmt.Fprint(b.err, "\r\033[Kwaiting for the server…")
		b.open = true
		return
	}
	_, _ = fmt.Fprintln(b.err, "waiting for the server…")
}

func (b *progress) end() {
	if b.open {
		_, _ = fmt.Fprintln(b.err)
	}
	b.open = false
}
