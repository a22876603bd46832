package connecsql

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// committer puts concurrent updates into one transaction of the database. It has no goroutine of its own: the first caller
// leads, and runs what has queued up; whoever waits first when it is done leads next.
type committer struct {
	store   *Store
	limit   int
	timeout time.Duration

	mu    sync.Mutex
	led   bool // there is a leader
	queue []*job
}

// job is one caller's update.
type job struct {
	ctx context.Context
	fn  func(*tx) error
	// wake tells the waiting caller: true, lead; false, your job is done.
	wake     chan bool
	promoted bool
	err      error
	panicked any
	done     bool
}

var errAborted = errors.New("connec: the update was given up: another one in its transaction ended its goroutine")

// do runs fn in a transaction and returns once that is committed.
func (c *committer) do(ctx context.Context, fn func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, fn: fn, wake: make(chan bool, 1)}
	c.mu.Lock()
	lead := !c.led
	c.led = true
	c.queue = append(c.queue, j)
	c.mu.Unlock()
	if !lead {
		select {
		case lead = <-j.wake:
		case <-ctx.Done():
			if c.withdraw(j) {
				return ctx.Err()
			}
			lead = <-j.wake
		}
	}
	if lead {
		c.lead()
	}
	if j.panicked != nil {
		panic(j.panicked)
	}
	return j.err
}

// withdraw takes back a job that has not been started.
func (c *committer) withdraw(j *job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.queue, j)
	if i < 0 {
		return false
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	if j.promoted {
		c.handOver()
	}
	return true
}

// handOver makes the first in the queue the leader. The caller holds mu.
func (c *committer) handOver() {
	if len(c.queue) == 0 {
		c.led, c.queue = false, nil
		return
	}
	c.queue[0].promoted = true
	c.queue[0].wake <- true
}

// lead runs a group. The caller's own job is its first.
func (c *committer) lead() {
	c.mu.Lock()
	n := min(len(c.queue), c.limit)
	group := slices.Clone(c.queue[:n])
	c.queue = slices.Delete(c.queue, 0, n)
	c.mu.Unlock()
	// Deferred, so that a function that ends this goroutine (as a failing test does) doesn't leave the others waiting.
	defer func() {
		c.mu.Lock()
		c.handOver()
		c.mu.Unlock()
		for _, j := range group {
			if !j.done {
				j.err = errAborted
			}
			j.wake <- false
		}
	}()
	c.run(group)
}

// run runs the group in one transaction or, when one of the jobs spoils it for the others, each in its own.
func (c *committer) run(group []*job) {
	if len(group) > 1 && c.together(group) {
		return
	}
	for i, j := range group {
		j.err, j.done = nil, j.panicked != nil
		if j.done {
			continue
		}
		if reached := c.alone(j); !reached {
			// The database doesn't take transactions: don't let every caller find out anew.
			for _, other := range group[i+1:] {
				other.err, other.done = j.err, true
			}
			return
		}
	}
}

// together reports false, with nothing done, if the jobs must be run one by one.
func (c *committer) together(group []*job) bool {
	t, stop, err := c.begin()
	if err != nil {
		finish(group, err)
		return true
	}
	defer stop()
	for _, j := range group {
		if j.err = j.ctx.Err(); j.err != nil {
			continue
		}
		before := t.changes
		if !c.call(t, j) || t.broken != nil || j.err != nil && t.changes != before {
			return false
		}
	}
	if err := t.finish(); err != nil {
		return false
	}
	if err := t.sql.Commit(); err != nil {
		// Whether it is stored is unknown when the connection broke, so nothing may be run again.
		finish(group, failed(t.ctx, "commit", err))
		return true
	}
	for _, j := range group {
		j.done = true
	}
	return true
}

// alone runs one job; reached is false if no transaction could be begun.
func (c *committer) alone(j *job) (reached bool) {
	if j.err = j.ctx.Err(); j.err != nil {
		j.done = true
		return true
	}
	t, stop, err := c.begin()
	if err != nil {
		finish([]*job{j}, err)
		return false
	}
	defer stop()
	if c.call(t, j) && j.err == nil {
		if j.err = t.finish(); j.err == nil {
			if err := t.sql.Commit(); err != nil {
				j.err = failed(t.ctx, "commit", err)
			}
		}
	}
	j.done = true
	return true
}

func finish(group []*job, err error) {
	for _, j := range group {
		j.err, j.done = err, true
	}
}

// call runs the job's function. It reports false after a panic, which goes on in the goroutine of the job's caller.
func (c *committer) call(t *tx, j *job) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			j.panicked, ok = &updatePanic{v, debug.Stack()}, false
		}
	}()
	j.err = j.fn(t)
	return true
}

// updatePanic carries a panic from the goroutine that ran an update to the one that asked for it.
type updatePanic struct {
	value any
	stack []byte
}

func (p *updatePanic) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }

// begin opens a transaction that has the right to write. It doesn't end with any caller's context: a group is never left half-way
// because one of its callers lost patience.
func (c *committer) begin() (*tx, func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	sqltx, err := c.store.db.BeginTx(ctx, nil)
	if err != nil {
		cancel()
		return nil, nil, failed(ctx, "begin", err)
	}
	t := newTx(ctx, c.store, sqltx)
	stop := func() {
		_ = sqltx.Rollback() // does nothing after a commit
		for _, query := range t.unprepared {
			_, _ = c.store.statement(ctx, query) // the next time it is tried without
		}
		cancel()
	}
	if !c.store.dialect.sqlite {
		// The lock ends with the transaction, after others can see its rows: sequences appear in their order.
		// Every statement here has its index, which PostgreSQL would do without while it remembers the tables as they were when empty.
		if _, err := sqltx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1), set_config('enable_seqscan', 'off', true)", advisoryLock); err != nil {
			stop()
			return nil, nil, failed(ctx, "wait for the write lock", err)
		}
	}
	return t, stop, nil
}

// advisoryLock is the key of connec's write lock in a PostgreSQL database: "connec" in ASCII.
const advisoryLock int64 = 0x636f6e6e6563
