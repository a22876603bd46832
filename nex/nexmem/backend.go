package nexmem

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
)

// Program makes the handler that is an app. It is called at each start.
type Program func(p *Process) (http.Handler, error)

// Process is one run of a program.
type Process struct {
	// Env is the environment. PORT is there, although the backend listens by itself.
	Env map[string]string

	backend *Backend
	id      string
	server  *http.Server
	done    chan struct{} // closed when it has ended
	once    sync.Once
}

// Exit ends the process as a crash would: connections break.
func (p *Process) Exit(code int) { p.end(fmt.Sprintf("exit status %d", code)) }

// Log writes a line to the app's log.
func (p *Process) Log(stream, text string) {
	_ = p.backend.WriteLog(context.Background(), p.id, nex.LogLine{At: time.Now(), Stream: stream, Text: text})
}

func (p *Process) end(exit string) {
	p.once.Do(func() {
		_ = p.server.Close()
		b := p.backend
		b.mu.Lock()
		if i := b.instances[p.id]; i != nil && i.process == p {
			i.State, i.Addr, i.Exit, i.process = nex.InstanceExited, "", exit, nil
		}
		watchers := slices.Collect(maps.Values(b.watchers))
		b.mu.Unlock()
		close(p.done)
		for _, changed := range watchers {
			changed(p.id)
		}
	})
}

// Backend is a nex.Backend whose programs are Go functions. Its apps end with the process, or with Close.
type Backend struct {
	mu        sync.Mutex
	programs  map[string]Program
	instances map[string]*instance
	watchers  map[int]func(string)
	nextWatch int
}

type instance struct {
	nex.Instance
	starting sync.Mutex
	spec     nex.Spec
	logs     []nex.LogLine
	process  *Process
}

var (
	_ nex.Backend     = (*Backend)(nil)
	_ nex.Watcher     = (*Backend)(nil)
	_ nex.LogStreamer = (*Backend)(nil)
	_ nex.LogWriter   = (*Backend)(nil)
)

const maxLogLines = 5000

// NewBackend makes a backend that runs nothing yet.
func NewBackend() *Backend {
	return &Backend{programs: map[string]Program{}, instances: map[string]*instance{}, watchers: map[int]func(string){}}
}

// Handle makes a program known by name: the first word of a template's Command.
func (b *Backend) Handle(name string, p Program) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.programs[name] = p
}

// Close ends all apps.
func (b *Backend) Close() error {
	b.mu.Lock()
	var all []*Process
	for _, i := range b.instances {
		if i.process != nil {
			all = append(all, i.process)
		}
	}
	b.mu.Unlock()
	for _, p := range all {
		p.end("closed")
	}
	return nil
}

// Ensure prepares an instance.
func (b *Backend) Ensure(ctx context.Context, spec nex.Spec) (*nex.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if spec.ID == "" || len(spec.Command) == 0 {
		return nil, fmt.Errorf("ensure instance: the spec lacks an id or a command: %w", nex.ErrInvalid)
	}
	spec.Command, spec.Env = slices.Clone(spec.Command), maps.Clone(spec.Env)
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.instances[spec.ID]
	if i == nil {
		i = &instance{Instance: nex.Instance{ID: spec.ID, State: nex.InstanceCreated}}
		b.instances[spec.ID] = i
	}
	i.spec = spec
	return i.copy(), nil
}

// Start runs an instance.
func (b *Backend) Start(ctx context.Context, id string) (*nex.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	i := b.instances[id]
	b.mu.Unlock()
	if i == nil {
		return nil, missing(id)
	}
	i.starting.Lock() // programs may use the backend while they begin, but no instance starts twice
	defer i.starting.Unlock()
	b.mu.Lock()
	program, spec, running := b.programs[i.spec.Command[0]], i.spec, i.process != nil
	b.mu.Unlock()
	if running {
		return b.Get(ctx, id)
	}
	if program == nil {
		return nil, fmt.Errorf("start %s: no program is called %q", id, spec.Command[0])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	env := map[string]string{}
	maps.Copy(env, spec.Env)
	_, env["PORT"], _ = net.SplitHostPort(l.Addr().String())
	p := &Process{Env: env, backend: b, id: id, done: make(chan struct{}), server: &http.Server{ReadHeaderTimeout: time.Minute}}
	if p.server.Handler, err = program(p); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i.process = p
	i.State, i.Addr, i.StartedAt, i.Exit, i.SpecHash = nex.InstanceRunning, l.Addr().String(), time.Now().UTC(), "", spec.Hash()
	go func() { _ = p.server.Serve(l) }()
	return i.copy(), nil
}

// Stop ends an instance: by http.Server.Shutdown and, after grace, by Close.
func (b *Backend) Stop(ctx context.Context, id string, grace time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	var p *Process
	if i := b.instances[id]; i != nil {
		p = i.process
	}
	b.mu.Unlock()
	if p == nil {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	exit := "stopped"
	if err := p.server.Shutdown(wait); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		exit = "killed"
	}
	p.end(exit)
	<-p.done
	return nil
}

// Remove ends an instance and forgets it.
func (b *Backend) Remove(ctx context.Context, id string) error {
	if err := b.Stop(ctx, id, 0); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.instances, id)
	return nil
}

// Get returns an instance.
func (b *Backend) Get(ctx context.Context, id string) (*nex.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.instances[id]
	if i == nil {
		return nil, missing(id)
	}
	return i.copy(), nil
}

// List returns all instances.
func (b *Backend) List(ctx context.Context) ([]*nex.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]*nex.Instance, 0, len(b.instances))
	for _, i := range b.instances {
		out = append(out, i.copy())
	}
	slices.SortFunc(out, func(x, y *nex.Instance) int { return strings.Compare(x.ID, y.ID) })
	return out, nil
}

// Watch reports the end of instances.
func (b *Backend) Watch(ctx context.Context, changed func(id string)) error {
	b.mu.Lock()
	key := b.nextWatch
	b.nextWatch++
	b.watchers[key] = changed
	b.mu.Unlock()
	<-ctx.Done()
	b.mu.Lock()
	delete(b.watchers, key)
	b.mu.Unlock()
	return ctx.Err()
}

// Logs returns the last lines.
func (b *Backend) Logs(ctx context.Context, id string, tail int) ([]nex.LogLine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.instances[id]
	if i == nil {
		return nil, nil
	}
	return slices.Clone(i.logs[max(0, len(i.logs)-tail):]), nil
}

// WriteLog adds a line. The newest 5000 are kept.
func (b *Backend) WriteLog(_ context.Context, id string, line nex.LogLine) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.instances[id]
	if i == nil {
		return missing(id)
	}
	line.At = line.At.UTC().Truncate(time.Microsecond)
	if len(i.logs) >= maxLogLines {
		i.logs = append(i.logs[:0:0], i.logs[maxLogLines/2:]...)
	}
	i.logs = append(i.logs, line)
	return nil
}

func (i *instance) copy() *nex.Instance {
	c := i.Instance
	return &c
}

func missing(id string) error {
	return fmt.Errorf("instance %q: %w", id, nex.ErrNotFound)
}
