package nextest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
)

// BackendHarness is what [TestBackend] needs to know.
type BackendHarness struct {
	// New returns an empty backend, with the background work of its Watcher running, if it is one, until the test ends.
	New func(t *testing.T) nex.Backend
	// Reopen ends a backend as far as it can without ending its apps, and returns another over the same place. It is nil for
	// backends whose apps can't outlive them.
	Reopen func(t *testing.T, old nex.Backend) nex.Backend
	// Command runs [App].
	Command []string
	// Processes says that apps are operating system processes, with an environment of their own and NEX_DATA_DIR.
	Processes bool
}

const soon = 20 * time.Second

// TestBackend proves a nex.Backend.
func TestBackend(t *testing.T, h BackendHarness) {
	t.Run("Lifecycle", func(t *testing.T) { h.lifecycle(t) })
	t.Run("Missing", func(t *testing.T) { h.missing(t) })
	t.Run("Environment", func(t *testing.T) { h.environment(t) })
	t.Run("Crash", func(t *testing.T) { h.crash(t) })
	t.Run("Force", func(t *testing.T) { h.force(t) })
	t.Run("Several", func(t *testing.T) { h.several(t) })
	t.Run("Logs", func(t *testing.T) { h.logs(t) })
	t.Run("Cancelled", func(t *testing.T) { h.cancelled(t) })
	t.Run("Data", func(t *testing.T) { h.data(t) })
	t.Run("Reopen", func(t *testing.T) { h.reopen(t) })
}

func (h BackendHarness) spec(id string, env map[string]string) nex.Spec {
	all := map[string]string{AppVariable: "1", "NEX_APP_UID": id}
	for k, v := range env {
		all[k] = v
	}
	return nex.Spec{ID: id, Organization: OrgA, Template: "notes", Command: h.Command, Env: all}
}

// up starts an instance and waits for it to answer.
func (h BackendHarness) up(t *testing.T, b nex.Backend, spec nex.Spec) *nex.Instance {
	t.Helper()
	_, err := b.Ensure(t.Context(), spec)
	require.NoError(t, err)
	i, err := b.Start(t.Context(), spec.ID)
	require.NoError(t, err)
	require.Equal(t, nex.InstanceRunning, i.State)
	awaitAnswer(t, i.Addr)
	return i
}

func awaitAnswer(t *testing.T, addr string) {
	t.Helper()
	require.Eventually(t, func() bool { _, err := get(addr, "/"); return err == nil }, soon, 5*time.Millisecond, "the app answers at "+addr)
}

func get(addr, path string) (string, error) {
	c := http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + addr + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 400 {
		err = fmt.Errorf("%s: %s", resp.Status, b)
	}
	return string(b), err
}

func mustGet(t *testing.T, addr, path string) string {
	t.Helper()
	s, err := get(addr, path)
	require.NoError(t, err)
	return s
}

func (h BackendHarness) lifecycle(t *testing.T) {
	b, ctx := h.New(t), t.Context()
	spec := h.spec("notes-1", map[string]string{"COLOUR": "blue"})
	i, err := b.Ensure(ctx, spec)
	require.NoError(t, err)
	require.Equal(t, nex.InstanceCreated, i.State, "Ensure never starts")
	require.Empty(t, i.Addr)
	i, err = b.Ensure(ctx, spec)
	require.NoError(t, err)
	require.Equal(t, nex.InstanceCreated, i.State)

	i = h.up(t, b, spec)
	require.Equal(t, spec.Hash(), i.SpecHash)
	require.WithinDuration(t, time.Now(), i.StartedAt, soon)
	require.Equal(t, "blue", mustGet(t, i.Addr, "/env?name=COLOUR"))

	again, err := b.Start(ctx, spec.ID)
	require.NoError(t, err)
	require.Equal(t, i, again, "one that runs is left alone")
	_, err = b.Ensure(ctx, h.spec("notes-1", map[string]string{"COLOUR": "red"}))
	require.NoError(t, err)
	require.Equal(t, "blue", mustGet(t, i.Addr, "/env?name=COLOUR"), "Ensure never stops")

	require.NoError(t, b.Stop(ctx, spec.ID, soon))
	_, err = get(i.Addr, "/")
	require.Error(t, err, "nothing of it runs")
	i, err = b.Get(ctx, spec.ID)
	require.NoError(t, err)
	require.Equal(t, nex.InstanceExited, i.State)
	require.Empty(t, i.Addr)
	require.NoError(t, b.Stop(ctx, spec.ID, soon), "stopping again is no error")

	i = h.up(t, b, h.spec("notes-1", map[string]string{"COLOUR": "green"}))
	require.Equal(t, "green", mustGet(t, i.Addr, "/env?name=COLOUR"), "a new spec counts from the next start")
	require.Empty(t, i.Exit)

	require.NoError(t, b.Remove(ctx, spec.ID))
	_, err = get(i.Addr, "/")
	require.Error(t, err, "nothing of it runs")
	_, err = b.Get(ctx, spec.ID)
	require.ErrorIs(t, err, nex.ErrNotFound)
	list, err := b.List(ctx)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, b.Remove(ctx, spec.ID), "removing again is no error")
}

func (h BackendHarness) missing(t *testing.T) {
	b, ctx := h.New(t), t.Context()
	_, err := b.Get(ctx, "nobody")
	require.ErrorIs(t, err, nex.ErrNotFound)
	_, err = b.Start(ctx, "nobody")
	require.ErrorIs(t, err, nex.ErrNotFound)
	require.NoError(t, b.Stop(ctx, "nobody", 0))
	require.NoError(t, b.Remove(ctx, "nobody"))

	spec := h.spec("bad", nil)
	spec.Command = []string{"/nonexistent/program"}
	_, err = b.Ensure(ctx, spec)
	if err == nil {
		_, err = b.Start(ctx, "bad")
	}
	require.ErrorContains(t, err, "/nonexistent/program", "the error names what can't be started")
	for _, id := range []string{"", "../etc", "a/b", "."} {
		_, err := b.Ensure(ctx, h.spec(id, nil))
		if id == "" || h.Processes {
			require.ErrorIs(t, err, nex.ErrInvalid, "%q", id)
		}
	}
}

func (h BackendHarness) environment(t *testing.T) {
	if h.Processes {
		t.Setenv("NEXTEST_OF_THE_SERVER", "secret")
	}
	b := h.New(t)
	i := h.up(t, b, h.spec("notes-1", map[string]string{"STRANGE": strange}))
	require.Equal(t, strange, mustGet(t, i.Addr, "/env?name=STRANGE"))
	require.Equal(t, i.Addr, "127.0.0.1:"+mustGet(t, i.Addr, "/env?name=PORT"))
	_, err := get(i.Addr, "/env?name=NEXTEST_OF_THE_SERVER")
	require.ErrorContains(t, err, "404", "nothing is inherited from the server")
	if h.Processes {
		require.NotEmpty(t, mustGet(t, i.Addr, "/env?name=PATH"))
		require.NotEmpty(t, mustGet(t, i.Addr, "/env?name=NEX_DATA_DIR"))
	}
}

func (h BackendHarness) crash(t *testing.T) {
	b, ctx := h.New(t), t.Context()
	told := make(chan string, 100)
	if w, ok := b.(nex.Watcher); ok {
		go func() {
			_ = w.Watch(ctx, func(id string) {
				select {
				case told <- id:
				default:
				}
			})
		}()
	} else {
		close(told)
	}
	i := h.up(t, b, h.spec("notes-1", nil))
	_, _ = get(i.Addr, "/exit?code=7")
	require.Eventually(t, func() bool {
		now, err := b.Get(ctx, "notes-1")
		require.NoError(t, err)
		i = now
		return now.State == nex.InstanceExited
	}, soon, 5*time.Millisecond)
	require.Contains(t, i.Exit, "7")
	select {
	case <-told:
	case <-time.After(soon):
		require.Fail(t, "nobody was told of the crash")
	}
	h.up(t, b, h.spec("notes-1", nil))
}

func (h BackendHarness) force(t *testing.T) {
	b := h.New(t)
	i := h.up(t, b, h.spec("notes-1", map[string]string{IgnoreTerm: "1"}))
	began := time.Now()
	require.NoError(t, b.Stop(t.Context(), "notes-1", 100*time.Millisecond))
	require.Less(t, time.Since(began), soon)
	_, err := get(i.Addr, "/")
	require.Error(t, err, "nothing of it runs")
}

func (h BackendHarness) several(t *testing.T) {
	b, ctx := h.New(t), t.Context()
	addrs := map[string]bool{}
	for _, id := range []string{"c", "a", "b"} {
		i := h.up(t, b, h.spec(id, nil))
		addrs[i.Addr] = true
		require.Equal(t, id, mustGet(t, i.Addr, "/env?name=NEX_APP_UID"))
	}
	require.Len(t, addrs, 3)
	require.NoError(t, b.Remove(ctx, "b"))
	list, err := b.List(ctx)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "a", list[0].ID)
	require.Equal(t, "c", list[1].ID)
	for _, i := range list {
		require.Equal(t, nex.InstanceRunning, i.State)
		require.Equal(t, i.ID, mustGet(t, i.Addr, "/env?name=NEX_APP_UID"))
	}
}

func (h BackendHarness) logs(t *testing.T) {
	b, ctx := h.New(t), t.Context()
	s, ok := b.(nex.LogStreamer)
	if !ok {
		t.Skip("the backend keeps no logs")
	}
	lines, err := s.Logs(ctx, "nobody", 10)
	require.NoError(t, err)
	require.Empty(t, lines)
	i := h.up(t, b, h.spec("notes-1", nil))
	for n := range 5 {
		mustGet(t, i.Addr, "/log?stream=stdout&text="+url.QueryEscape(fmt.Sprintf("line %d é", n)))
	}
	mustGet(t, i.Addr, "/log?stream=stderr&text=oh")
	has := func(stream, text string) func() bool {
		return func() bool {
			lines, err := s.Logs(ctx, "notes-1", 100)
			require.NoError(t, err)
			for _, l := range lines {
				if l.Stream == stream && l.Text == text && time.Since(l.At) < soon {
					return true
				}
			}
			return false
		}
	}
	require.Eventually(t, has("stderr", "oh"), soon, 5*time.Millisecond)
	require.Eventually(t, has("stdout", "line 4 é"), soon, 5*time.Millisecond)
	if w, ok := b.(nex.LogWriter); ok {
		require.NoError(t, w.WriteLog(ctx, "notes-1", nex.LogLine{At: time.Now(), Stream: "nex", Text: "two\nlines"}))
		lines, err := s.Logs(ctx, "notes-1", 2)
		require.NoError(t, err)
		require.Len(t, lines, 2)
		last := lines[0].Text + lines[1].Text
		require.True(t, strings.HasSuffix(last, "two\nlines") || strings.HasSuffix(last, "twolines"), last)
		require.Equal(t, "nex", lines[1].Stream)
	}
	lines, err = s.Logs(ctx, "notes-1", 3)
	require.NoError(t, err)
	require.Len(t, lines, 3)
}

func (h BackendHarness) cancelled(t *testing.T) {
	b := h.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Ensure(ctx, h.spec("notes-1", nil))
	require.ErrorIs(t, err, context.Canceled)
	i := h.up(t, b, h.spec("notes-1", map[string]string{IgnoreTerm: "1"}))
	require.ErrorIs(t, b.Stop(ctx, "notes-1", time.Hour), context.Canceled)
	if h.Processes {
		_, err = get(i.Addr, "/")
		require.NoError(t, err, "a call that is cut short does no more than it did")
	}
	require.NoError(t, b.Stop(t.Context(), "notes-1", 0), "and can be made again")
}

func (h BackendHarness) data(t *testing.T) {
	if !h.Processes {
		t.Skip("apps of this backend have no folder")
	}
	b := h.New(t)
	i := h.up(t, b, h.spec("notes-1", nil))
	require.Empty(t, mustGet(t, i.Addr, "/data?text=kept"))
	require.NoError(t, b.Stop(t.Context(), "notes-1", soon))
	i = h.up(t, b, h.spec("notes-1", nil))
	require.Equal(t, "kept", mustGet(t, i.Addr, "/data?text=kept"), "data outlives a stop")
	require.NoError(t, b.Remove(t.Context(), "notes-1"))
	i = h.up(t, b, h.spec("notes-1", nil))
	require.Empty(t, mustGet(t, i.Addr, "/data?text=x"), "and not a removal")
}

func (h BackendHarness) reopen(t *testing.T) {
	if h.Reopen == nil {
		t.Skip("apps of this backend don't outlive it")
	}
	b, ctx := h.New(t), t.Context()
	runs := h.up(t, b, h.spec("runs", nil))
	h.up(t, b, h.spec("stopped", nil))
	require.NoError(t, b.Stop(ctx, "stopped", soon))
	_, err := b.Ensure(ctx, h.spec("created", nil))
	require.NoError(t, err)

	b = h.Reopen(t, b)
	list, err := b.List(ctx)
	require.NoError(t, err)
	states := map[string]nex.InstanceState{}
	for _, i := range list {
		states[i.ID] = i.State
	}
	require.Equal(t, map[string]nex.InstanceState{"runs": nex.InstanceRunning, "stopped": nex.InstanceExited, "created": nex.InstanceCreated}, states)
	again, err := b.Get(ctx, "runs")
	require.NoError(t, err)
	require.Equal(t, runs.Addr, again.Addr, "it is the same instance")
	require.WithinDuration(t, runs.StartedAt, again.StartedAt, time.Microsecond)
	require.Equal(t, runs.SpecHash, again.SpecHash)
	require.NotEmpty(t, mustGet(t, again.Addr, "/pid"))

	b = h.Reopen(t, b)
	_, _ = get(again.Addr, "/exit?code=1")
	require.Eventually(t, func() bool {
		i, err := b.Get(ctx, "runs")
		require.NoError(t, err)
		return i.State == nex.InstanceExited
	}, soon, 5*time.Millisecond, "the end of an adopted instance is seen")
	h.up(t, b, h.spec("runs", nil))
	b = h.Reopen(t, b)
	require.NoError(t, b.Stop(ctx, "runs", soon), "an adopted instance can be stopped")
	require.NoError(t, b.Remove(ctx, "stopped"))
}
