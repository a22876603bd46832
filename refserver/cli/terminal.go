package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// isTerminal reports whether a person watches what is written there.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && hasTerminal(f)
}

// stopping says that the end has begun, to a person who waits for it.
func (c *console) stopping() {
	if isTerminal(c.err) {
		context.AfterFunc(c.ctx, func() { _, _ = fmt.Fprintln(c.err, "\nStopping… (Ctrl-C again stops at once)") })
	}
}

// password asks for one. Typed on a terminal, it isn't shown, where that can be helped.
func (c *console) password() (string, error) {
	show := func() {}
	hidden := ""
	if isTerminal(c.in) {
		var err error
		if show, err = hideInput(c.in.(*os.File)); err != nil {
			show, hidden = func() {}, " (it will be shown)"
		}
		_, _ = fmt.Fprintf(c.err, "Password%s: ", hidden)
	}
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(c.in).ReadString('\n')
		answered <- answer{line, err}
	}()
	select {
	case <-c.ctx.Done():
		show()
		return "", c.ctx.Err()
	case a := <-answered:
		show()
		if isTerminal(c.in) && hidden == "" {
			_, _ = fmt.Fprintln(c.err) // the Enter that wasn't shown
		}
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", a.err)
		}
		return strings.TrimRight(a.line, "\r\n"), nil
	}
}
