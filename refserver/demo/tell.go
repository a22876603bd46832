package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ensemble-platform/ensemble/hub"
)

// manifest is what --json writes. Scripts and SDKs configure themselves from it: the keys stay.
type manifest struct {
	ConsoleURL    string         `json:"console_url"`
	ConnecURL     string         `json:"connec_url"`
	HubURL        string         `json:"hub_url"`
	ImpacURL      string         `json:"impac_url"`
	IDMURL        string         `json:"idm_url"`
	NexURL        string         `json:"nex_url"`
	Users         []manifestUser `json:"users"`
	Organizations []manifestOrg  `json:"organizations"`
	Apps          []manifestApp  `json:"apps"`
	Hosted        []hostedApp    `json:"hosted"`
}

type manifestUser struct {
	Email        string `json:"email"`
	Password     string `json:"password"`
	SSOSession   string `json:"sso_session"`
	Role         string `json:"role"`
	Organization string `json:"organization"`
}

type manifestOrg struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

type manifestApp struct {
	Name         string `json:"name"`
	APIID        string `json:"api_id"`
	APIKey       string `json:"api_key"`
	GroupID      string `json:"group_id"`
	Organization string `json:"organization"`
	WebhookURL   string `json:"webhook_url"`
}

type hostedApp struct {
	URL    string `json:"url"`
	Status string `json:"status"`
	name   string
}

// tell writes the manifest and the welcome.
func (r *runner) tell(instances []*hub.AppInstance, hosted []hostedApp) error {
	base := r.srv.Config().PublicURL
	m := manifest{
		ConsoleURL: base, ConnecURL: base, HubURL: base, ImpacURL: base + "/impac/api", IDMURL: base, NexURL: base + "/nex",
		Hosted: hosted,
	}
	for i, p := range []profile{harbour, alder} {
		m.Organizations = append(m.Organizations, manifestOrg{UID: r.state.Organizations[i], Name: p.name})
	}
	for _, p := range people {
		s, err := r.srv.Hub.Login(r.platform, p.email, Password)
		if err != nil {
			return err
		}
		m.Users = append(m.Users, manifestUser{Email: p.email, Password: Password, SSOSession: s.Token, Role: p.role, Organization: r.state.Organizations[p.organization]})
	}
	keys, ok := r.srv.Hub.(interface {
		InstanceKey(ctx context.Context, id string) (string, string, error)
	})
	if !ok {
		return errors.New("the demo needs its hub in this process")
	}
	for _, a := range instances {
		id, key, err := keys.InstanceKey(r.platform, a.ID)
		if err != nil {
			return fmt.Errorf("key of %s: %w", a.App.Name, err)
		}
		entry := manifestApp{Name: a.App.Name, APIID: id, APIKey: key, GroupID: a.ID, Organization: a.OrganizationID}
		if a.App.NotificationPath != "" {
			host := a.App.Host
			if a.App.Stack == hub.Cube {
				host = a.URL
			}
			entry.WebhookURL = host + a.App.NotificationPath
		}
		m.Apps = append(m.Apps, entry)
	}
	if r.opts.JSON != "" {
		b, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return err
		}
		if err := replaceFile(r.opts.JSON, b); err != nil {
			return err
		}
	}
	r.say("\n  Ensemble is running.\n\n    Console   %s\n    API docs  %s/docs/\n", base, base)
	for _, h := range hosted {
		r.say("    %-9s %s (hosted, %s)\n", h.name, h.URL, h.Status)
	}
	r.say("\n  Sign in with any of these, password %s\n\n", Password)
	for _, p := range people {
		r.say("    %-22s %-12s %s\n", p.email, p.role, []profile{harbour, alder}[p.organization].name)
	}
	r.say("\n  Data is kept in %s. Stop with Ctrl-C; start again to go on.\n\n", r.srv.Config().DataDir)
	return nil
}
