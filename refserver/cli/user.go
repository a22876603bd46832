package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/refserver"
)

type userCmd struct {
	Add userAddCmd `cmd:"" help:"Add a person. The password is read from standard input, or from ENSEMBLE_PASSWORD."`
}

type userAddCmd struct {
	Email    string `arg:"" help:"E-mail address to sign in with."`
	Name     string `help:"First name."`
	Surname  string `help:"Last name."`
	Operator bool   `help:"May operate the platform itself."`
	// Organization is for the first user of a new installation.
	Organization string `help:"Make a new organization with this name, with the user as its Super Admin." placeholder:"NAME"`
	Currency     string `help:"Currency of that organization, ISO 4217." default:"USD"`

	refserver.Config `embed:""`
}

func (u *userAddCmd) Run(c *console) error {
	u.place(c)
	password := os.Getenv("ENSEMBLE_PASSWORD")
	if password == "" {
		var err error
		if password, err = c.password(); err != nil {
			return err
		}
	}
	// Just what is needed: the hub and idm, wherever they are.
	cfg := u.Config
	cfg.Nex, cfg.Connec, cfg.Impac = refserver.Off, refserver.Off, refserver.Off
	srv, err := refserver.New(c.ctx, cfg, slog.New(slog.DiscardHandler), refserver.Beside())
	if err != nil {
		return err
	}
	defer func() { _ = srv.Close() }()
	ctx := authz.WithCredential(c.ctx, authz.OnBehalfOf("svc-hub"))
	user, err := srv.Hub.CreateUser(ctx, hub.User{Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator}, password)
	if err != nil {
		return fmt.Errorf("%s: %w", u.Email, err)
	}
	_, _ = fmt.Fprintf(c.out, "user %s %s\n", user.ID, user.Email)
	if u.Organization == "" {
		return nil
	}
	org, err := srv.Hub.CreateOrganization(ctx, hub.Organization{Name: u.Organization, Currency: u.Currency})
	if err != nil {
		return err
	}
	if _, err := srv.Hub.PutMember(ctx, org.ID, user.ID, "Super Admin"); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.out, "organization %s %s\n", org.ID, org.Name)
	return nil
}

// place says where the user will be, before anything is made there.
func (u *userAddCmd) place(c *console) {
	what := "data folder " + u.DataDir
	if u.Database != "" {
		if at, err := url.Parse(u.Database); err == nil {
			what = "database " + at.Redacted() + ", " + what
		}
	}
	if files, err := os.ReadDir(u.DataDir); errors.Is(err, fs.ErrNotExist) || err == nil && len(files) == 0 {
		what += " (new: there is nothing in it yet)"
	}
	_, _ = fmt.Fprintln(c.err, what)
}
