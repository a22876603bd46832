package nex

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Backend runs instances of apps: as processes, containers, or whatever else it can start and find again.
//
// Methods are safe for concurrent use; the engine makes at most one changing call at a time for one instance. All of them may be
// cut short by their context or by the death of the process, and finish the work when they are called again. What runs
// outlives the Backend: a new one over the same place finds it with Get and List.
//
// Optional powers are [Watcher], [LogStreamer], [LogWriter] and [Readier]. Package nextest has the conformance suite.
type Backend interface {
	// Ensure prepares an instance, or changes how the next Start runs it. It never starts and never stops anything. Asking again
	// with the same spec changes nothing.
	Ensure(ctx context.Context, spec Spec) (*Instance, error)
	// Start runs an instance and returns as soon as it has begun to; it need not answer yet. One that runs already is left
	// alone. It needs an Ensure since the Backend was made, because a backend need not keep the environment anywhere;
	// without one it is ErrNotFound.
	Start(ctx context.Context, id string) (*Instance, error)
	// Stop asks an instance to end, and ends it by force after grace. It returns when nothing of it runs any more. An instance
	// that is stopped or missing is no error.
	Stop(ctx context.Context, id string, grace time.Duration) error
	// Remove ends an instance by force and deletes all that it had. One that is missing is no error.
	Remove(ctx context.Context, id string) error
	// Get returns an instance as it is now, or ErrNotFound.
	Get(ctx context.Context, id string) (*Instance, error)
	// List returns all instances by ID, also those that somebody else has forgotten.
	List(ctx context.Context) ([]*Instance, error)
}

// Watcher is a Backend that can tell when an instance ends. Without it the engine notices at its next look.
type Watcher interface {
	// Watch calls changed with the id of an instance that may have ended, until ctx ends. It also does whatever the backend
	// has to do in the background. changed doesn't block.
	Watch(ctx context.Context, changed func(id string)) error
}

// LogStreamer is a Backend that keeps what its instances write.
type LogStreamer interface {
	// Logs returns the last lines, oldest first. A missing instance has none.
	Logs(ctx context.Context, id string, tail int) ([]LogLine, error)
}

// LogWriter is a LogStreamer that takes the engine's own lines in.
type LogWriter interface {
	WriteLog(ctx context.Context, id string, line LogLine) error
}

// Readier is a Backend that can say whether it works.
type Readier interface {
	Ready(ctx context.Context) error
}

// Spec says how to run an instance.
type Spec struct {
	// ID is the app's uid.
	ID           string
	Organization string
	Template     string
	// Command is the program and its arguments.
	Command []string
	// Env is all of the environment but PORT and NEX_DATA_DIR, which the backend adds, and what programs of its kind can't do
	// without, such as PATH, unless Env has it.
	Env map[string]string
}

// Hash tells specs apart. It says nothing about the values in Env as long as one of them can't be guessed.
func (s Spec) Hash() string {
	b, _ := json.Marshal(s) // maps are written in the order of their keys
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// InstanceState is what an instance does.
type InstanceState string

// Instance states.
const (
	InstanceCreated InstanceState = "created" // never started
	InstanceRunning InstanceState = "running"
	InstanceExited  InstanceState = "exited"
)

// Instance is one copy of an app as a Backend sees it.
type Instance struct {
	ID    string
	State InstanceState
	// Addr is where it listens or will listen, "127.0.0.1:40123". Empty unless it runs.
	Addr string
	// StartedAt is when it was last started.
	StartedAt time.Time
	// Exit says how it ended, in words: "exit status 1". Empty unless it has, or when nobody saw.
	Exit string
	// SpecHash is the Hash of the spec it was last started with.
	SpecHash string
}
