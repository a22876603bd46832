// Package refserver is the reference server: it puts the subsystems together, each in this process, in another one, or not
// at all, and serves them with the console under one address.
//
// Only programs import it. Products import the subsystems.
package refserver

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/internal/httpx"
)

// Placement says where a subsystem runs: "local", "off", or the base URL of the server that has it.
type Placement string

// Placements without an address.
const (
	Local Placement = "local"
	Off   Placement = "off"
)

// Remote reports whether the subsystem is served elsewhere.
func (p Placement) Remote() bool { return p != Local && p != Off }

// Config configures a Server. Every field is a flag of `ensemble serve` and an environment variable of the same name.
type Config struct {
	Listen    string `help:"Address to serve on." default:"127.0.0.1:8080" env:"ENSEMBLE_LISTEN" group:"Addresses"`
	PublicURL string `help:"Address that browsers and apps reach this server at. Default: from --listen." env:"ENSEMBLE_PUBLIC_URL" placeholder:"URL" group:"Addresses"`
	// AppsDomain is below which every hosted app has its host name.
	AppsDomain  string `help:"Domain of hosted apps: each is UID.DOMAIN, on the same port." default:"apps.localhost" env:"ENSEMBLE_APPS_DOMAIN" group:"Addresses"`
	AdminListen string `help:"Loopback address for pprof; empty for none." env:"ENSEMBLE_ADMIN_LISTEN" placeholder:"ADDR" group:"Addresses"`

	IDM    Placement `help:"Where idm runs: local, off or URL." default:"local" env:"ENSEMBLE_IDM" group:"Subsystems"`
	Hub    Placement `help:"Where the hub runs." default:"local" env:"ENSEMBLE_HUB" group:"Subsystems"`
	Nex    Placement `help:"Where nex runs." default:"local" env:"ENSEMBLE_NEX" group:"Subsystems"`
	Connec Placement `help:"Where connec runs." default:"local" env:"ENSEMBLE_CONNEC" group:"Subsystems"`
	Impac  Placement `help:"Where impac runs." default:"local" env:"ENSEMBLE_IMPAC" group:"Subsystems"`
	// IssuerURL is the OpenID provider's, where the hub and nex have to name it but don't run it.
	IssuerURL string `help:"OpenID issuer to hand to hosted apps. Default: PUBLIC-URL/oidc." env:"ENSEMBLE_ISSUER_URL" placeholder:"URL" group:"Subsystems"`

	DataDir  string `help:"Folder for SQLite databases, keys and hosted apps." default:"ensemble-data" env:"ENSEMBLE_DATA_DIR" type:"path" group:"Storage"`
	Database string `help:"PostgreSQL address (postgres://…) for all subsystems. Default: SQLite files in the data folder." env:"ENSEMBLE_DATABASE" placeholder:"URL" group:"Storage"`
	// AutoMigrate brings the databases up to date at the start.
	AutoMigrate bool `help:"Bring databases up to date at the start; otherwise run 'ensemble migrate' first." default:"true" negatable:"" env:"ENSEMBLE_AUTO_MIGRATE" group:"Storage"`

	// ServiceKey is what the platform's services show each other.
	ServiceKey string `help:"Key that the platform's processes show each other. Default: made up and kept in the data folder." env:"ENSEMBLE_SERVICE_KEY" placeholder:"KEY" group:"Security"`
	// SecretKey encrypts what must be stored but not read.
	SecretKey string `help:"32 bytes in hex that encrypt stored secrets. Default: made up and kept in the data folder." env:"ENSEMBLE_SECRET_KEY" placeholder:"HEX" group:"Security"`
	// AllowPrivateWebhooks lets webhooks go to loopback and private addresses, where hosted apps are.
	AllowPrivateWebhooks bool  `help:"Let webhooks go to loopback and private addresses." env:"ENSEMBLE_ALLOW_PRIVATE_WEBHOOKS" group:"Security"`
	MaxBody              int64 `help:"Largest request body, in bytes." default:"10485760" env:"ENSEMBLE_MAX_BODY" group:"Security"`

	LogLevel        string        `help:"Least level to log: debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"ENSEMBLE_LOG_LEVEL" group:"Operation"`
	LogFormat       string        `help:"json or text." default:"json" enum:"json,text" env:"ENSEMBLE_LOG_FORMAT" group:"Operation"`
	ShutdownTimeout time.Duration `help:"How long requests under way may take to end when the server stops." default:"20s" env:"ENSEMBLE_SHUTDOWN_TIMEOUT" group:"Operation"`
}

// Defaults is what the command line starts from.
func Defaults() Config {
	return Config{
		Listen: "127.0.0.1:8080", AppsDomain: "apps.localhost",
		IDM: Local, Hub: Local, Nex: Local, Connec: Local, Impac: Local,
		DataDir: "ensemble-data", AutoMigrate: true, MaxBody: httpx.DefaultMaxBody,
		LogLevel: "info", LogFormat: "json", ShutdownTimeout: 20 * time.Second,
	}
}

// subsystems names the placements.
func (c *Config) subsystems() map[string]*Placement {
	return map[string]*Placement{"idm": &c.IDM, "hub": &c.Hub, "nex": &c.Nex, "connec": &c.Connec, "impac": &c.Impac}
}

// Validate fills what follows from other fields and checks the rest.
func (c *Config) Validate() error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q: %w", c.Listen, err)
	}
	if c.PublicURL == "" {
		if host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified() || host == "127.0.0.1" {
			host = "localhost"
		}
		c.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if err := checkURL(c.PublicURL); err != nil {
		return fmt.Errorf("--public-url %q: %w", c.PublicURL, err)
	}
	for name, p := range c.subsystems() {
		if *p == "" {
			*p = Local
		}
		if p.Remote() {
			*p = Placement(strings.TrimRight(string(*p), "/"))
			if err := checkURL(string(*p)); err != nil {
				return fmt.Errorf("--%s %q must be local, off or a URL: %w", name, *p, err)
			}
		}
	}
	if c.IDM == Off {
		return errors.New("--idm can't be off: nothing is allowed without it")
	}
	if c.Impac != Off && c.Connec == Off {
		return errors.New("--impac needs connec, which is off")
	}
	if c.ServiceKey == "" && c.anyRemote() {
		return errors.New("--service-key is needed where a subsystem runs elsewhere: the same one in every process")
	}
	if c.SecretKey != "" {
		if b, err := hex.DecodeString(c.SecretKey); err != nil || len(b) != 32 {
			return errors.New("--secret-key must be 64 hexadecimal digits")
		}
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		return errors.New("--database must begin with postgres://")
	}
	if c.MaxBody <= 0 {
		return errors.New("--max-body must be positive")
	}
	if c.IssuerURL == "" {
		c.IssuerURL = c.PublicURL + "/oidc"
	}
	return nil
}

func (c *Config) anyRemote() bool {
	for _, p := range c.subsystems() {
		if p.Remote() {
			return true
		}
	}
	return false
}

// usesFolder reports whether databases or hosted apps are in the data folder.
func (c *Config) usesFolder() bool {
	for name, p := range c.subsystems() {
		if *p == Local && (c.Database == "" || name == "nex") {
			return true
		}
	}
	return false
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("not an http or https address")
	}
	return nil
}

// Effective lists the configuration as environment variables, with secrets hidden.
func (c *Config) Effective() []string {
	v := reflect.ValueOf(*c)
	var out []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("env")
		text := fmt.Sprint(v.Field(i).Interface())
		switch v.Type().Field(i).Name {
		case "ServiceKey", "SecretKey":
			if text != "" {
				text = "(hidden)"
			}
		case "Database":
			if u, err := url.Parse(text); err == nil {
				text = u.Redacted()
			}
		}
		out = append(out, name+"="+text)
	}
	return out
}
