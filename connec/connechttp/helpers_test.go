package connechttp_test

import (
	"errors"

	"github.com/ensemble-platform/ensemble/connec"
)

func is(err, sentinel error) bool { return errors.Is(err, sentinel) }

// paths are the fields that a validation error names.
func paths(err error) []string {
	var out []string
	for _, f := range fields(err) {
		out = append(out, f[0])
	}
	return out
}

// fields are the fields of a validation error with their reasons.
func fields(err error) [][2]string {
	v, ok := errors.AsType[*connec.ValidationError](err)
	if !ok {
		return nil
	}
	var out [][2]string
	for _, f := range v.Fields {
		out = append(out, [2]string{f.Path, f.Reason})
	}
	return out
}
