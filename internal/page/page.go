// Package page makes opaque cursors: a value in JSON, in URL-safe base64. A cursor is checked by whoever reads it.
package page

import (
	"encoding/base64"
	"encoding/json"
	"errors"
)

// ErrCursor says that a cursor was not made by this server.
var ErrCursor = errors.New("malformed cursor")

// Encode makes a cursor.
func Encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // cursors are made of plain structs
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Decode reads a cursor that Encode made. The empty cursor leaves into as it is.
func Decode(cursor string, into any) error {
	if cursor == "" {
		return nil
	}
	if len(cursor) > 4096 {
		return ErrCursor
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(b, into) != nil {
		return ErrCursor
	}
	return nil
}
