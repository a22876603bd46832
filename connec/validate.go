package connec

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// validate checks a merged record and names each field that is wrong, at most 20.
func (c *collection) validate(attrs map[string]any) error {
	err := c.validator.Validate(attrs)
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	out := &ValidationError{Sentinel: ErrInvalid}
	collect(invalid, message.NewPrinter(language.English), &out.Fields)
	slices.SortFunc(out.Fields, func(a, b problem.Field) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Reason, b.Reason))
	})
	out.Fields = slices.Compact(out.Fields)
	if len(out.Fields) > 20 {
		out.Fields = out.Fields[:20]
	}
	return out
}

func collect(e *jsonschema.ValidationError, printer *message.Printer, into *[]problem.Field) {
	if len(e.Causes) == 0 {
		*into = append(*into, problem.Field{Path: strings.Join(e.InstanceLocation, "."), Reason: e.ErrorKind.LocalizedString(printer)})
		return
	}
	for _, cause := range e.Causes {
		collect(cause, printer, into)
	}
}
