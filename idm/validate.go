package idm

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

const (
	maxEmail     = 254
	maxName      = 255
	maxID        = 255
	maxURI       = 2000
	maxRedirects = 20
	minKey       = 16
	maxKey       = 512
)

// checkText refuses what a store can't keep or a page can't show.
func checkText(path, s string, limit int) error {
	switch {
	case !utf8.ValidString(s):
		return problem.Invalid(ErrInvalid, path, "must be valid UTF-8")
	case utf8.RuneCountInString(s) > limit:
		return problem.Invalid(ErrInvalid, path, "must have at most %d characters", limit)
	case strings.ContainsFunc(s, unicode.IsControl):
		return problem.Invalid(ErrInvalid, path, "must not have control characters")
	}
	return nil
}

func checkEmail(email string) error {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > maxEmail || checkText("email", email, maxEmail) != nil {
		return problem.Invalid(ErrInvalid, "email", "must be an e-mail address")
	}
	return nil
}

func checkUser(u *User) error {
	if err := checkEmail(u.Email); err != nil {
		return err
	}
	if err := checkText("name", u.Name, maxName); err != nil {
		return err
	}
	return checkText("surname", u.Surname, maxName)
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func checkID(path, id, prefix string) error {
	if len(id) > maxID || !idForm.MatchString(id) || !strings.HasPrefix(id, prefix) || len(id) == len(prefix) {
		return problem.Invalid(ErrInvalid, path, "must be an id that begins with %q", prefix)
	}
	return nil
}

var hostForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

// checkGroupID keeps group ids apart from all others.
func checkGroupID(id string) error {
	if checkID("id", id, "cld-") == nil {
		return nil
	}
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "usr", "org", "app", "tnt", "svc", "ses", "cld":
	default:
		if len(id) <= 253 && hostForm.MatchString(id) {
			return nil
		}
	}
	return problem.Invalid(ErrInvalid, "id", `must be an id that begins with "cld-", or a DNS name`)
}

var clientPrefix = map[ClientKind]string{AppClient: "app-", TenantClient: "tnt-", ServiceClient: "svc-"}

func checkClient(c *Client) error {
	prefix, ok := clientPrefix[c.Kind]
	if !ok {
		return problem.Invalid(ErrInvalid, "kind", "must be app, tenant or service")
	}
	if err := checkID("id", c.ID, prefix); err != nil {
		return err
	}
	if err := checkText("name", c.Name, maxName); err != nil {
		return err
	}
	if len(c.RedirectURIs) > 0 && c.Kind != AppClient {
		return problem.Invalid(ErrInvalid, "redirect_uris", "are for apps only")
	}
	if len(c.RedirectURIs) > maxRedirects {
		return problem.Invalid(ErrInvalid, "redirect_uris", "must be at most %d", maxRedirects)
	}
	for _, s := range c.RedirectURIs {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Contains(s, "#") ||
			len(s) > maxURI || checkText("", s, maxURI) != nil {
			return problem.Invalid(ErrInvalid, "redirect_uris", "must be absolute http or https addresses without a fragment")
		}
	}
	return nil
}

func checkKey(key string) error {
	if len(key) < minKey || len(key) > maxKey {
		return problem.Invalid(ErrInvalid, "key", "must have %d to %d characters", minKey, maxKey)
	}
	return checkText("key", key, maxKey)
}
