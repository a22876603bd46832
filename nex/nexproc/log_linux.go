package nexproc

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
)

const (
	maxLine    = 8 << 10
	chunk      = 256 << 10
	maxBacklog = 8 << 20 // unread output beyond this is skipped
	keepOfIt   = 1 << 20
	logName    = "app.log"
	stampForm  = "2006-01-02T15:04:05.000000Z"
	punchHole  = 0x01 | 0x02 // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
)

var streams = [2]string{"stdout", "stderr"}

// logbook keeps what an app writes. The app has two raw files as its output, so that it can write with or without a server.
// take moves what is new in them to the log proper, line by line with time and stream, and gives the space back: it
// punches holes, which loses nothing, where truncating could lose what is written at that very moment.
type logbook struct {
	mu       sync.Mutex
	root     *os.Root // the app's log folder
	maxBytes int64
	maxFiles int
	raw      [2]*os.File
	off      [2]int64 // how far the raw files have been taken over
	punched  [2]int64
	log      *os.File
	size     int64
}

func openLogbook(root *os.Root, maxBytes int64, maxFiles int) (*logbook, error) {
	l := &logbook{root: root, maxBytes: maxBytes, maxFiles: maxFiles}
	var err error
	for i, name := range streams {
		if l.raw[i], err = root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	if l.log, err = root.OpenFile(logName, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, errors.Join(err, l.close())
	}
	fi, err := l.log.Stat()
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.size = fi.Size()
	if b, err := root.ReadFile("offsets"); err == nil && len(b) == 16 {
		for i := range l.off {
			l.off[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	return l, nil
}

func (l *logbook) close() error {
	var errs []error
	for _, f := range []*os.File{l.raw[0], l.raw[1], l.log} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(append(errs, l.root.Close())...)
}

// take takes over what is new. With all, also a last line that has no end yet.
func (l *logbook) take(now time.Time, all bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.off
	var errs []error
	for i := range l.raw {
		errs = append(errs, l.takeStream(i, now, all))
	}
	if l.off != before {
		var b [16]byte
		for i, off := range l.off {
			binary.LittleEndian.PutUint64(b[8*i:], uint64(off))
		}
		errs = append(errs, l.root.WriteFile("offsets", b[:], 0o600))
	}
	return errors.Join(errs...)
}

func (l *logbook) takeStream(i int, now time.Time, all bool) error {
	fi, err := l.raw[i].Stat()
	if err != nil {
		return err
	}
	size := fi.Size()
	if l.off[i] > size {
		l.off[i] = 0
	}
	if skip := size - l.off[i]; skip > maxBacklog {
		skip -= keepOfIt
		l.off[i] += skip
		if err := l.write(now, "nex", fmt.Sprintf("%d bytes of %s skipped", skip, streams[i])); err != nil {
			return err
		}
	}
	buf := make([]byte, min(chunk, size-l.off[i]))
	for l.off[i] < size {
		n, err := l.raw[i].ReadAt(buf[:min(int64(len(buf)), size-l.off[i])], l.off[i])
		if n == 0 {
			return err
		}
		used, err := l.takeLines(streams[i], buf[:n], now, all && l.off[i]+int64(n) == size)
		l.off[i] += int64(used)
		if err != nil {
			return err
		}
		if used == 0 {
			break
		}
	}
	if l.off[i]-l.punched[i] >= 64<<10 {
		if err := syscall.Fallocate(int(l.raw[i].Fd()), punchHole, 0, l.off[i]); err != nil {
			// Not every file system can. Then some output may be lost, but the disk doesn't fill up.
			if err := l.raw[i].Truncate(0); err != nil {
				return err
			}
			l.off[i] = 0
		}
		l.punched[i] = l.off[i]
	}
	return nil
}

func (l *logbook) takeLines(stream string, b []byte, now time.Time, all bool) (used int, err error) {
	for used < len(b) {
		rest := b[used:]
		end := bytes.IndexByte(rest, '\n')
		next := end + 1
		if end > maxLine || end < 0 && len(rest) >= maxLine {
			end, next = maxLine, maxLine
		} else if end < 0 {
			if !all {
				return used, nil
			}
			end, next = len(rest), len(rest)
		}
		if err := l.write(now, stream, string(bytes.TrimSuffix(rest[:end], []byte{'\r'}))); err != nil {
			return used, err
		}
		used += next
	}
	return used, nil
}

// add writes lines of nex's own.
func (l *logbook) add(line nex.LogLine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range strings.SplitSeq(line.Text, "\n") {
		if err := l.write(line.At, line.Stream, text[:min(len(text), maxLine)]); err != nil {
			return err
		}
	}
	return nil
}

func (l *logbook) write(at time.Time, stream, text string) error {
	entry := at.UTC().Format(stampForm) + " " + stream + " " + strings.ToValidUTF8(text, "\uFFFD") + "\n"
	if l.size > 0 && l.size+int64(len(entry)) > l.maxBytes {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := l.log.WriteString(entry)
	l.size += int64(n)
	return err
}

func (l *logbook) rotate() error {
	for n := l.maxFiles - 1; n > 0; n-- {
		from := logName
		if n > 1 {
			from = fmt.Sprintf("%s.%d", logName, n-1)
		}
		if err := l.root.Rename(from, fmt.Sprintf("%s.%d", logName, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := l.root.OpenFile(logName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_ = l.log.Close()
	l.log, l.size = f, 0
	return nil
}

// restart makes room for a new process's output. The old process must be gone.
func (l *logbook) restart(now time.Time) error {
	err := l.take(now, true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.raw {
		err = errors.Join(err, f.Truncate(0))
		l.off[i], l.punched[i] = 0, 0
	}
	return errors.Join(err, l.root.WriteFile("offsets", make([]byte, 16), 0o600))
}

// tail reads the last n lines.
func (l *logbook) tail(n int) ([]nex.LogLine, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []nex.LogLine // newest file first, each in order
	for i := 0; i < l.maxFiles && len(out) < n; i++ {
		name := logName
		if i > 0 {
			name = fmt.Sprintf("%s.%d", logName, i)
		}
		f, err := l.root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		lines, err := readLines(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		out = append(lines, out...)
	}
	return slices.Clone(out[max(0, len(out)-n):]), nil
}

func readLines(r io.Reader) ([]nex.LogLine, error) {
	var out []nex.LogLine
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16*maxLine)
	for s.Scan() {
		stamp, rest, _ := strings.Cut(s.Text(), " ")
		stream, text, _ := strings.Cut(rest, " ")
		at, err := time.Parse(stampForm, stamp)
		if err != nil {
			continue // cut off by a crash
		}
		out = append(out, nex.LogLine{At: at, Stream: stream, Text: text})
	}
	return out, s.Err()
}
