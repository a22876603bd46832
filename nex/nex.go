package nex

import (
	"net/http"
	"time"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

// Errors. Each has a stable code on the wire; errors.Is sees the same one in process and through a client.
var (
	ErrNotFound = problem.Sentinel("nex.not_found", http.StatusNotFound, "Not found")
	ErrConflict = problem.Sentinel("nex.conflict", http.StatusConflict, "Conflict")
	ErrInvalid  = problem.Sentinel("nex.invalid", http.StatusUnprocessableEntity, "Invalid input")
	// ErrBusy says that another operation on the app is under way.
	ErrBusy = problem.Sentinel("nex.busy", http.StatusConflict, "Another operation is under way")
)

// ValidationError names the fields that were refused. It matches ErrInvalid.
type ValidationError = problem.ValidationError

// Status is an app's, in the platform's words.
type Status string

// Statuses.
const (
	Staged       Status = "staged"
	Provisioning Status = "provisioning"
	Starting     Status = "starting"
	Running      Status = "running"
	Stopping     Status = "stopping"
	Stopped      Status = "stopped"
	Updating     Status = "updating"
	Terminating  Status = "terminating"
	Terminated   Status = "terminated"
)

// Template says how to run one product.
type Template struct {
	Name    string // unique, a DNS label
	Version string
	// Command is the program and its arguments. It listens on 127.0.0.1 at the port in the environment variable PORT.
	Command []string
	// Env is given to every app of the template.
	Env map[string]string
	// HealthPath must answer below 400 for the app to count as running. "/" when empty.
	HealthPath string
	// StopGrace is how long the program has between SIGTERM and SIGKILL: 10 s when 0.
	StopGrace time.Duration
}

// AppSpec asks for an app.
type AppSpec struct {
	// UID is unique for ever, and the app's host name below the router's domain: a DNS label. One is made when it is empty.
	UID          string
	Name         string
	Organization string
	Template     string
	// Env is the app's own configuration. Values are secrets: they are never shown again.
	Env map[string]string
}

// App is one deployment owned by one organization.
type App struct {
	UID          string
	Name         string
	Organization string
	Template     string
	Status       Status
	// NextStatus is what the operation under way, if any, leads to.
	NextStatus Status
	// URL is the app's public address, "http://UID.apps.example.com".
	URL string
	// Durations are estimates by status: how long the app stays in it.
	Durations map[Status]time.Duration
	// Errors tell a person what went wrong lately. They are cleared by success.
	Errors []string
	// Restarts counts the starts after crashes since the app was last started on purpose.
	Restarts     int
	CreatedAt    time.Time
	StartedAt    time.Time
	StoppedAt    time.Time
	TerminatedAt time.Time
}

// LogLine is one line that an app wrote.
type LogLine struct {
	At     time.Time
	Stream string // "stdout", "stderr", or "nex" for what nex did
	Text   string
}
