package nexproc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// tokenVariable is in the environment of every process of an app and of what it starts.
const tokenVariable = "NEX_INSTANCE"

// bootID changes with each start of the machine.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown" // pid and start time still tell processes of one boot apart
	}
	return strings.TrimSpace(string(b))
}

// procStat is what /proc/PID/stat says of a process.
type procStat struct {
	state   byte
	session int
	start   uint64 // in clock ticks since the boot
}

func (s procStat) dead() bool { return s.state == 'Z' || s.state == 'X' }

func readStat(pid int) (procStat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, err
	}
	// The name in parentheses may hold anything.
	end := bytes.LastIndexByte(b, ')')
	f := strings.Fields(string(b[end+1:]))
	if end < 0 || len(f) < 20 {
		return procStat{}, fmt.Errorf("malformed stat of process %d", pid)
	}
	session, err1 := strconv.Atoi(f[3])
	start, err2 := strconv.ParseUint(f[19], 10, 64)
	return procStat{state: f[0][0], session: session, start: start}, errors.Join(err1, err2)
}

// pids lists all processes.
func pids() ([]int, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			out = append(out, pid)
		}
	}
	return out, nil
}

// hasToken reports whether a process was started with the token in its environment.
func hasToken(pid int, token string) bool {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 4<<20))
	if err != nil {
		return false
	}
	want := []byte(tokenVariable + "=" + token)
	for v := range bytes.SplitSeq(b, []byte{0}) {
		if bytes.Equal(v, want) {
			return true
		}
	}
	return false
}

// family lists the living processes that belong to an instance: those with its token, and those of the session that leader
// began at start.
func family(token string, leader int, start uint64) ([]int, error) {
	all, err := pids()
	if err != nil {
		return nil, err
	}
	// The id of a session stays taken while the session lives. So it is still ours unless a new process has the id.
	session := leader > 0
	if st, err := readStat(leader); session && err == nil && st.start != start {
		session = false
	}
	var out []int
	for _, pid := range all {
		st, err := readStat(pid)
		if err != nil || st.dead() {
			continue
		}
		if session && st.session == leader || hasToken(pid, token) {
			out = append(out, pid)
		}
	}
	return out, nil
}

// findLeader finds the process that was started with the token and leads its session.
func findLeader(token string) (pid int, st procStat, found bool) {
	all, err := pids()
	if err != nil {
		return 0, procStat{}, false
	}
	for _, pid := range all {
		if st, err := readStat(pid); err == nil && st.session == pid && !st.dead() && hasToken(pid, token) {
			return pid, st, true
		}
	}
	return 0, procStat{}, false
}

// spawn starts cmd without a way to gain rights.
func spawn(cmd *exec.Cmd) error {
	done := make(chan error)
	go func() {
		// The flag belongs to the thread and goes to what it starts. The thread ends with this goroutine, because it is
		// never unlocked.
		runtime.LockOSThread()
		const prSetNoNewPrivs = 38
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
			done <- fmt.Errorf("no_new_privs: %w", errno)
			return
		}
		done <- cmd.Start()
	}()
	return <-done
}

func limit(pid int, l Limits) error {
	var errs []error
	for resource, n := range map[int]uint64{syscall.RLIMIT_CORE: 0, syscall.RLIMIT_NOFILE: l.OpenFiles, syscall.RLIMIT_DATA: unlimitedIfZero(l.Memory)} {
		var old [2]uint64
		err := prlimit(pid, resource, nil, &old)
		if err == nil {
			n = min(n, old[1]) // only root may go beyond the hard limit
			err = prlimit(pid, resource, &[2]uint64{n, n}, nil)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("limit %d: %w", resource, err))
		}
	}
	// Rather an app than the server, when memory runs out.
	if err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("500"), 0); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// prlimit sets and reads the soft and hard limit of a process.
func prlimit(pid, resource int, set, old *[2]uint64) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), uintptr(resource), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// lookPath finds a program as the shell would, in path and with no regard to the server's own folder.
func lookPath(program, path string) (string, error) {
	if strings.Contains(program, "/") {
		if !strings.HasPrefix(program, "/") {
			return "", fmt.Errorf("program %q: the path must be absolute", program)
		}
		if err := executable(program); err != nil {
			return "", fmt.Errorf("program %q: %w", program, err)
		}
		return program, nil
	}
	for dir := range strings.SplitSeq(path, ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		if p := dir + "/" + program; executable(p) == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("program %q: not found in %s", program, path)
}

func executable(path string) error {
	fi, err := os.Stat(path)
	switch {
	case err != nil:
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			err = pe.Err
		}
		return err
	case fi.IsDir():
		return syscall.EISDIR
	case fi.Mode()&0o111 == 0:
		return syscall.EACCES
	}
	return nil
}
