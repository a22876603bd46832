package nexproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ensemble-platform/ensemble/nex"
)

// lookEvery is how often Watch looks at the processes and their output.
const lookEvery = 200 * time.Millisecond

var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Backend runs apps as processes. Its methods are safe for concurrent use.
type Backend struct {
	config
	dir string

	mu        sync.Mutex
	opened    bool
	closed    bool
	lock      *os.File
	root      *os.Root // dir/apps
	boot      string
	instances map[string]*instance
	watchers  map[int]func(string)
	nextWatch int

	portMu sync.Mutex
	ports  map[int]string // by port, the instance that has it
}

// New makes a backend that keeps everything in the folder dir, which it makes when it is first used.
func New(dir string, opts ...Option) *Backend {
	b := &Backend{
		config: defaults(), dir: dir,
		instances: map[string]*instance{}, ports: map[int]string{}, watchers: map[int]func(string){},
	}
	for _, o := range opts {
		o(&b.config)
	}
	return b
}

// open locks the folder and takes over what is in it. b.mu must be held.
func (b *Backend) open() (err error) {
	if b.closed {
		return errors.New("nexproc: the backend is closed")
	}
	if b.opened {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open %s: %w", b.dir, err)
		}
	}()
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "apps"), b.folderMode()); err != nil {
		return err
	}
	// A process that is just being started shares the lock until its program runs. So whoever gets the lock sees all
	// processes of the server before it.
	lock, err := os.OpenFile(filepath.Join(b.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrInUse
		}
		return err
	}
	root, err := os.OpenRoot(filepath.Join(b.dir, "apps"))
	if err != nil {
		_ = lock.Close()
		return err
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		_ = lock.Close()
		_ = root.Close()
		return err
	}
	b.lock, b.root, b.boot = lock, root, bootID()
	for _, e := range entries {
		if e.IsDir() && validID.MatchString(e.Name()) {
			i := b.takeOver(e.Name())
			b.instances[i.id] = i
			if i.st.State == nex.InstanceRunning {
				b.ports[i.st.Port] = i.id
			}
		}
	}
	b.opened = true
	return nil
}

func (b *Backend) folderMode() os.FileMode {
	if b.user != nil {
		return 0o711 // the user must come through to the folders of its apps
	}
	return 0o700
}

// takeOver reads what the last server wrote down about an instance.
func (b *Backend) takeOver(id string) *instance {
	i := &instance{b: b, id: id, st: state{State: nex.InstanceExited}}
	raw, err := b.root.ReadFile(id + "/instance.json")
	if err == nil {
		err = json.Unmarshal(raw, &i.st)
	}
	if err != nil {
		b.log.Warn("what was written about an instance is lost", "app", id, "error", err)
	}
	if i.st.State != nex.InstanceRunning {
		return i
	}
	if i.st.PID == 0 && i.st.Boot == b.boot {
		// The last server died while it started the process.
		if pid, ps, ok := findLeader(i.st.Token); ok {
			i.st.PID, i.st.Start = pid, ps.start
			if err := i.save(); err != nil {
				b.log.Warn("write down an instance", "app", id, "error", err)
			}
		}
	}
	if i.look() {
		b.log.Info("instance has ended", "app", id)
	} else {
		b.log.Info("instance taken over", "app", id, "pid", i.st.PID)
	}
	return i
}

// Close lets go of the folder. Apps go on.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	if !b.opened {
		return nil
	}
	var errs []error
	for _, i := range b.instances {
		errs = append(errs, i.closeLog())
	}
	return errors.Join(append(errs, b.root.Close(), b.lock.Close())...)
}

// StopAll stops all apps at once, for programs that leave nothing behind when they end. What the engine wants stays as it is:
// it starts them again at its next run. The engine must have ended.
func (b *Backend) StopAll(ctx context.Context, grace time.Duration) error {
	all, err := b.all()
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for n, i := range all {
		wg.Go(func() { errs[n] = i.stop(ctx, grace) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Ready reports whether the folder can be used.
func (b *Backend) Ready(ctx context.Context) error {
	_, err := b.all()
	return errors.Join(err, ctx.Err())
}

// all returns the instances by id.
func (b *Backend) all() ([]*instance, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(b.instances), func(x, y *instance) int {
		if x.id < y.id {
			return -1
		}
		return 1
	}), nil
}

// get returns an instance or ErrNotFound.
func (b *Backend) get(ctx context.Context, id string) (*instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(); err != nil {
		return nil, err
	}
	if i := b.instances[id]; i != nil {
		return i, nil
	}
	return nil, fmt.Errorf("instance %q: %w", id, nex.ErrNotFound)
}

// Ensure makes the folders of an instance.
func (b *Backend) Ensure(ctx context.Context, spec nex.Spec) (*nex.Instance, error) {
	if !validID.MatchString(spec.ID) || len(spec.Command) == 0 {
		return nil, fmt.Errorf("ensure instance %q: the id must be a DNS label, and the command not empty: %w", spec.ID, nex.ErrInvalid)
	}
	i, err := b.get(ctx, spec.ID)
	if errors.Is(err, nex.ErrNotFound) {
		b.mu.Lock()
		if i = b.instances[spec.ID]; i == nil {
			i = &instance{b: b, id: spec.ID, st: state{State: nex.InstanceCreated}}
			b.instances[spec.ID] = i
		}
		b.mu.Unlock()
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return i.ensure(spec)
}

// Start starts an instance's process.
func (b *Backend) Start(ctx context.Context, id string) (*nex.Instance, error) {
	i, err := b.get(ctx, id)
	if err != nil {
		return nil, err
	}
	return i.start()
}

// Stop sends SIGTERM to all processes of the instance and, after grace, SIGKILL.
func (b *Backend) Stop(ctx context.Context, id string, grace time.Duration) error {
	i, err := b.get(ctx, id)
	if errors.Is(err, nex.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return i.stop(ctx, grace)
}

// Remove kills the processes of the instance and deletes its folder.
func (b *Backend) Remove(ctx context.Context, id string) error {
	i, err := b.get(ctx, id)
	if errors.Is(err, nex.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := i.stop(ctx, 0); err != nil {
		return err
	}
	if err := i.remove(); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.instances, id)
	return nil
}

// Get returns an instance.
func (b *Backend) Get(ctx context.Context, id string) (*nex.Instance, error) {
	i, err := b.get(ctx, id)
	if err != nil {
		return nil, err
	}
	return i.view(), nil
}

// List returns all instances.
func (b *Backend) List(ctx context.Context) ([]*nex.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := b.all()
	if err != nil {
		return nil, err
	}
	out := make([]*nex.Instance, len(all))
	for n, i := range all {
		out[n] = i.view()
	}
	return out, nil
}

// Watch reports the ends of processes, within milliseconds for those that this server started, and keeps the logs.
func (b *Backend) Watch(ctx context.Context, changed func(id string)) error {
	b.mu.Lock()
	key := b.nextWatch
	b.nextWatch++
	b.watchers[key] = changed
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.watchers, key)
		b.mu.Unlock()
	}()
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	defer signal.Stop(child)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		all, err := b.all()
		if err != nil {
			return err
		}
		for _, i := range all {
			i.tend()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-child:
		case <-tick.C:
		}
	}
}

// ended tells the watchers.
func (b *Backend) ended(id string) {
	b.mu.Lock()
	watchers := slices.Collect(maps.Values(b.watchers))
	b.mu.Unlock()
	for _, changed := range watchers {
		changed(id)
	}
}

// Logs returns the last lines.
func (b *Backend) Logs(ctx context.Context, id string, tail int) ([]nex.LogLine, error) {
	i, err := b.get(ctx, id)
	if errors.Is(err, nex.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := i.logbook()
	if err != nil {
		return nil, err
	}
	if err := l.take(time.Now(), false); err != nil {
		return nil, fmt.Errorf("logs of %s: %w", id, err)
	}
	return l.tail(tail)
}

// WriteLog adds a line to the app's log.
func (b *Backend) WriteLog(ctx context.Context, id string, line nex.LogLine) error {
	i, err := b.get(ctx, id)
	if err != nil {
		return err
	}
	l, err := i.logbook()
	if err != nil {
		return err
	}
	return l.add(line)
}
