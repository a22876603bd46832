package ui

import (
	"bytes"
	"html"
)

// setTitle names the product where the document says %TITLE%: in its title and in the meta tag that the program reads.
func setTitle(document []byte, title string) []byte {
	return bytes.ReplaceAll(document, []byte("%TITLE%"), []byte(html.EscapeString(title)))
}
