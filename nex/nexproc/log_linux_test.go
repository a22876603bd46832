package nexproc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
)

func newBook(t *testing.T, dir string, maxBytes int64, files int) *logbook {
	t.Helper()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	l, err := openLogbook(root, maxBytes, files)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.close() })
	return l
}

func texts(t *testing.T, l *logbook, n int) []string {
	t.Helper()
	lines, err := l.tail(n)
	require.NoError(t, err)
	out := []string{}
	for _, x := range lines {
		out = append(out, x.Stream+":"+x.Text)
	}
	return out
}

var logTime = time.Date(2026, 3, 1, 12, 0, 0, 5000, time.UTC)

func TestLogLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newBook(t, dir, 1<<20, 3)
	_, err := l.raw[0].WriteString("one\r\n\ntwo with  spaces\nhalf")
	require.NoError(t, err)
	_, err = l.raw[1].WriteString("bad \xff bytes\n" + strings.Repeat("x", maxLine+10) + "\n")
	require.NoError(t, err)
	require.NoError(t, l.take(logTime, false))
	require.Equal(t, []string{"stdout:one", "stdout:", "stdout:two with  spaces", "stderr:bad \uFFFD bytes", "stderr:" + strings.Repeat("x", maxLine), "stderr:" + strings.Repeat("x", 10)}, texts(t, l, 100))
	require.Equal(t, []string{"stderr:" + strings.Repeat("x", 10)}, texts(t, l, 1))
	lines, err := l.tail(1)
	require.NoError(t, err)
	require.Equal(t, logTime, lines[0].At)

	// Another server goes on where this one ended.
	require.NoError(t, l.close())
	l = newBook(t, dir, 1<<20, 3)
	_, err = l.raw[0].WriteString(" a line\nlast words")
	require.NoError(t, err)
	require.NoError(t, l.take(logTime, false))
	require.Equal(t, []string{"stdout:half a line"}, texts(t, l, 1))
	require.NoError(t, l.take(logTime, true))
	require.Equal(t, []string{"stdout:half a line", "stdout:last words"}, texts(t, l, 2))
	require.NoError(t, l.add(nex.LogLine{At: logTime, Stream: "nex", Text: "x\ny"}))
	require.Equal(t, []string{"nex:x", "nex:y"}, texts(t, l, 2))
	require.NoError(t, l.restart(logTime))
	require.Len(t, texts(t, l, 100), 10)
	for i := range l.raw {
		fi, err := l.raw[i].Stat()
		require.NoError(t, err)
		require.Zero(t, fi.Size())
	}
}

// usage is how much disk a folder takes.
func usage(t *testing.T, dir string) (n int64) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		require.NoError(t, err)
		fi, err := os.Lstat(path)
		require.NoError(t, err)
		n += fi.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	}))
	return n
}

// TestLogBound: however much an app writes, the disk doesn't fill up and the newest lines are there.
func TestLogBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newBook(t, dir, 16<<10, 3)
	line := strings.Repeat("y", 100)
	most := int64(0)
	for n := range 100 { // 1 MB
		for m := range 100 {
			_, err := fmt.Fprintf(l.raw[0], "%d %s\n", n*100+m, line)
			require.NoError(t, err)
		}
		require.NoError(t, l.take(logTime, false))
		most = max(most, usage(t, dir))
	}
	require.Less(t, most, int64(3*16<<10+64<<10+64<<10))
	got := texts(t, l, 200)
	require.Len(t, got, 200)
	for i, text := range got {
		require.True(t, strings.HasPrefix(text, fmt.Sprintf("stdout:%d y", 10000-200+i)), text)
	}
	require.Less(t, len(texts(t, l, 1<<20)), 1000, "old lines are dropped")
}

// TestLogBacklog: what was written while no server ran is read, but not all of it when it is very much.
func TestLogBacklog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newBook(t, dir, 8<<20, 3)
	line := strings.Repeat("z", 1022) + "\n"
	_, err := l.raw[0].WriteString(strings.Repeat(line, 10<<10) + "the end\n")
	require.NoError(t, err)
	require.NoError(t, l.take(logTime, false))
	got := texts(t, l, 1<<20)
	require.Contains(t, got[0], "bytes of stdout skipped")
	require.Equal(t, "stdout:the end", got[len(got)-1])
	require.Less(t, len(got), 2000)
	require.Less(t, usage(t, dir), int64(3<<20))
}
