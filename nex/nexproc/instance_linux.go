package nexproc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
)

// instance is one app. Its folder below dir/apps:
//
//	instance.json  state
//	data/          the app's own: NEX_DATA_DIR, HOME and where it is started
//	tmp/           TMPDIR, emptied at each start
//	log/           see logbook
type instance struct {
	b  *Backend
	id string

	mu   sync.Mutex
	st   state
	spec *nex.Spec // nil until Ensure: the environment is kept nowhere else
	book *logbook
	rest bool // it has ended, and its last words were not taken over yet
	gone bool // removed
}

// state is what must be known of an instance after the server's death.
type state struct {
	State nex.InstanceState `json:"state"`
	// Token is in the environment of its processes.
	Token string `json:"token,omitempty"`
	// PID is 0 while the process is being started.
	PID int `json:"pid,omitempty"`
	// Start is the process's start time in clock ticks since the boot Boot.
	Start     uint64    `json:"start,omitempty"`
	Boot      string    `json:"boot,omitempty"`
	Port      int       `json:"port,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	SpecHash  string    `json:"spec_hash,omitempty"`
	Exit      string    `json:"exit,omitempty"`
}

// save writes the state down, so that it is there whole or not at all.
func (i *instance) save() error {
	raw, err := json.Marshal(i.st)
	if err != nil {
		return err
	}
	tmp, name := i.id+"/instance.json.new", i.id+"/instance.json"
	f, err := i.b.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return i.b.root.Rename(tmp, name)
}

func (i *instance) ensure(spec nex.Spec) (*nex.Instance, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone {
		return nil, fmt.Errorf("instance %s is being removed", i.id)
	}
	if err := i.makeFolders(); err != nil {
		return nil, fmt.Errorf("ensure %s: %w", i.id, err)
	}
	if i.st.State == nex.InstanceCreated && i.spec == nil {
		if err := i.save(); err != nil {
			return nil, fmt.Errorf("ensure %s: %w", i.id, err)
		}
	}
	spec.Command, spec.Env = slices.Clone(spec.Command), maps.Clone(spec.Env)
	i.spec = &spec
	return i.snapshot(), nil
}

func (i *instance) makeFolders() error {
	root := i.b.root
	if err := root.MkdirAll(i.id, i.b.folderMode()); err != nil {
		return err
	}
	if err := root.MkdirAll(i.id+"/log", 0o700); err != nil {
		return err
	}
	for _, own := range []string{i.id + "/data", i.id + "/tmp"} {
		if err := root.MkdirAll(own, 0o700); err != nil {
			return err
		}
		if u := i.b.user; u != nil {
			if err := root.Chown(own, int(u.uid), int(u.gid)); err != nil {
				return err
			}
		}
	}
	return nil
}

// start starts the process, unless it runs.
func (i *instance) start() (*nex.Instance, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.look()
	switch {
	case i.st.State == nex.InstanceRunning:
		return i.snapshot(), nil
	case i.spec == nil || i.gone:
		return nil, fmt.Errorf("start %s before Ensure: %w", i.id, nex.ErrNotFound)
	}
	if err := i.launch(); err != nil {
		return nil, fmt.Errorf("start %s: %w", i.id, err)
	}
	return i.snapshot(), nil
}

// launch is start with i.mu held. The order matters: the token is written down before there is a process, so that a process can
// always be found again.
func (i *instance) launch() error {
	b := i.b
	if err := i.killRest(); err != nil { // left over from before
		return err
	}
	path := b.path
	if p, ok := i.spec.Env["PATH"]; ok {
		path = p
	}
	program, err := lookPath(i.spec.Command[0], path)
	if err != nil {
		return err
	}
	if err := i.emptyTmp(); err != nil {
		return err
	}
	book, err := i.logbookLocked()
	if err != nil {
		return err
	}
	if err := book.restart(time.Now()); err != nil {
		return err
	}
	port, err := b.takePort(i.id)
	if err != nil {
		return err
	}
	old := i.st
	i.st = state{
		State: nex.InstanceRunning, Token: rand.Text(), Boot: b.boot, Port: port,
		StartedAt: time.Now().UTC().Truncate(time.Microsecond), SpecHash: i.spec.Hash(),
	}
	if err := i.save(); err != nil {
		i.st = old
		b.freePort(port)
		return err
	}
	cmd := &exec.Cmd{
		Path: program, Args: i.spec.Command, Env: i.env(path, port), Dir: i.folder("data"),
		Stdout: book.raw[0], Stderr: book.raw[1],
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if b.user != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: b.user.uid, Gid: b.user.gid}
	}
	if err := spawn(cmd); err != nil {
		i.end(err.Error())
		return err
	}
	i.st.PID = cmd.Process.Pid
	_ = cmd.Process.Release() // look waits for it
	ps, err := readStat(i.st.PID)
	if err != nil {
		b.log.Warn("read a new process's start time", "app", i.id, "error", err)
	}
	i.st.Start = ps.start
	if err := limit(i.st.PID, b.limits); err != nil {
		b.log.Warn("limit a process", "app", i.id, "error", err)
	}
	// Should this fail, the token finds the process.
	if err := i.save(); err != nil {
		b.log.Warn("write down an instance", "app", i.id, "error", err)
	}
	return nil
}

func (i *instance) folder(name string) string { return filepath.Join(i.b.dir, "apps", i.id, name) }

func (i *instance) env(path string, port int) []string {
	env := map[string]string{
		"PATH": path, "HOME": i.folder("data"), "TMPDIR": i.folder("tmp"), "LANG": "C.UTF-8",
	}
	maps.Copy(env, i.spec.Env)
	env["PORT"] = strconv.Itoa(port)
	env["NEX_DATA_DIR"] = i.folder("data")
	env[tokenVariable] = i.st.Token
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}

func (i *instance) emptyTmp() error {
	if err := i.b.root.RemoveAll(i.id + "/tmp"); err != nil {
		return err
	}
	return i.makeFolders()
}

// look sees whether the process has ended and reports whether it has just found that out. i.mu must be held.
func (i *instance) look() bool {
	if i.st.State != nex.InstanceRunning {
		return false
	}
	if i.st.Boot != i.b.boot || i.st.PID == 0 {
		i.end("")
		return true
	}
	var ws syscall.WaitStatus
	switch pid, err := syscall.Wait4(i.st.PID, &ws, syscall.WNOHANG, nil); {
	case pid == i.st.PID:
		i.end(exitWords(ws))
		return true
	case err == nil, errors.Is(err, syscall.EINTR):
		return false
	}
	// Not our child: a server before us started it.
	if ps, err := readStat(i.st.PID); err != nil || ps.start != i.st.Start || ps.dead() {
		i.end("")
		return true
	}
	return false
}

func (i *instance) end(exit string) {
	i.b.freePort(i.st.Port)
	i.st.State, i.st.Exit, i.st.Port = nex.InstanceExited, exit, 0
	i.rest = true
	if err := i.save(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.b.log.Warn("write down an instance", "app", i.id, "error", err)
	}
}

func exitWords(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return "signal: " + ws.Signal().String()
	}
	return "exit status " + strconv.Itoa(ws.ExitStatus())
}

// tend looks after the instance: its process and what it writes.
func (i *instance) tend() {
	i.mu.Lock()
	justEnded := i.look()
	rest := i.rest
	var book *logbook
	if (rest || i.st.State == nex.InstanceRunning) && !i.gone {
		var err error
		if book, err = i.logbookLocked(); err != nil {
			i.b.log.Warn("open an app's log", "app", i.id, "error", err)
		}
	}
	i.rest = false
	i.mu.Unlock()
	if book != nil {
		if err := book.take(time.Now(), rest); err != nil && !errors.Is(err, os.ErrClosed) {
			i.b.log.Warn("take over an app's output", "app", i.id, "error", err)
		}
	}
	if justEnded {
		i.b.ended(i.id)
	}
}

func (i *instance) view() *nex.Instance {
	i.mu.Lock()
	justEnded := i.look()
	v := i.snapshot()
	i.mu.Unlock()
	if justEnded {
		i.b.ended(i.id)
	}
	return v
}

func (i *instance) snapshot() *nex.Instance {
	v := &nex.Instance{ID: i.id, State: i.st.State, StartedAt: i.st.StartedAt, Exit: i.st.Exit, SpecHash: i.st.SpecHash}
	if v.State == nex.InstanceRunning {
		v.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(i.st.Port))
	}
	return v
}

// stop ends all processes of the instance.
func (i *instance) stop(ctx context.Context, grace time.Duration) error {
	const patience = 10 * time.Second // with processes that even SIGKILL doesn't end at once
	began, killed := time.Now(), time.Time{}
	sig := syscall.SIGTERM
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if sig == syscall.SIGTERM && time.Since(began) >= grace || grace <= 0 {
			sig = syscall.SIGKILL
		}
		i.mu.Lock()
		justEnded := i.look()
		running := i.st.State == nex.InstanceRunning
		var err error
		switch {
		case !running:
			err = i.killRest()
		case sig == syscall.SIGKILL && killed.IsZero(), sig == syscall.SIGTERM && pause == 2*time.Millisecond:
			// The leader lives, so the group is ours.
			if err = syscall.Kill(-i.st.PID, sig); errors.Is(err, syscall.ESRCH) {
				err = syscall.Kill(i.st.PID, sig) // it has left its group
			}
			if errors.Is(err, syscall.ESRCH) {
				err = nil
			}
			if sig == syscall.SIGKILL {
				killed = time.Now()
			}
		case !killed.IsZero() && time.Since(killed) > patience:
			err = fmt.Errorf("stop %s: process %d doesn't end", i.id, i.st.PID)
		}
		i.mu.Unlock()
		if justEnded {
			i.b.ended(i.id)
		}
		if err != nil || !running {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// killRest kills what an ended leader has left behind. i.mu must be held.
func (i *instance) killRest() error {
	if i.st.Token == "" || i.st.Boot != i.b.boot {
		return nil
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		rest, err := family(i.st.Token, i.st.PID, i.st.Start)
		if err != nil {
			return err
		}
		if len(rest) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("stop %s: processes %v don't end", i.id, rest)
		}
		for _, pid := range rest {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop %s: kill %d: %w", i.id, pid, err)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	i.st.Token = ""
	return i.save()
}

// remove deletes the folder. The processes must be gone.
func (i *instance) remove() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.gone = true
	if i.book != nil {
		_ = i.book.close()
		i.book = nil
	}
	return i.b.root.RemoveAll(i.id)
}

func (i *instance) logbook() (*logbook, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.logbookLocked()
}

func (i *instance) logbookLocked() (*logbook, error) {
	if i.book != nil {
		return i.book, nil
	}
	if i.gone {
		return nil, fmt.Errorf("instance %q: %w", i.id, nex.ErrNotFound)
	}
	if err := i.b.root.MkdirAll(i.id+"/log", 0o700); err != nil {
		return nil, err
	}
	root, err := i.b.root.OpenRoot(i.id + "/log")
	if err != nil {
		return nil, err
	}
	i.book, err = openLogbook(root, i.b.logBytes, i.b.logFiles)
	return i.book, err
}

func (i *instance) closeLog() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.book == nil {
		return nil
	}
	err := i.book.close()
	i.book = nil
	return err
}

// takePort finds a port that nobody listens on and that no other instance was given.
func (b *Backend) takePort(id string) (int, error) {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		b.portMu.Lock()
		_, taken := b.ports[port]
		if !taken {
			b.ports[port] = id
		}
		b.portMu.Unlock()
		if !taken {
			return port, nil
		}
	}
	return 0, errors.New("no free port")
}

func (b *Backend) freePort(port int) {
	b.portMu.Lock()
	defer b.portMu.Unlock()
	delete(b.ports, port)
}
