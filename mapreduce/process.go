package mapreduce

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// A Process is a process of its own that runs a task once, as Python's Process runs its target. Its methods are safe for
// concurrent use, and may be called at any time, also after its end.
//
// Where a pool would try again, a process does not: one that dies before its task is done fails, with an [ExitError]. What
// the task has started dies with its process. A failure, of the task or by a death that this process is not the cause of, is
// not only the error of Wait: it is reported when it happens, with the stack of a panic, to the [Logger] if there is one and
// to standard error if not.
type Process[R any] struct {
	*child
	result *R // readable after Done
}

type processOptions struct {
	poolOptions
	name   string
	daemon bool
}

type processFunc func(*processOptions) error

func (f processFunc) applyProcess(o *processOptions) error { return f(o) }

// Name names a process, in messages, before the lines that it prints, and in ps; the default is Process-1 and so on.
func Name(name string) ProcessOption {
	return processFunc(func(o *processOptions) error {
		if name == "" || strings.ContainsAny(name, "\x00\n") {
			return fmt.Errorf("mapreduce: Name(%q): takes a line that is not empty", name)
		}
		o.name = name
		return nil
	})
}

// Daemon makes a process one that nobody waits for: when the body of [Main] has returned, or the worker or process that has
// started it is done, it is terminated, as by [Process.Terminate].
func Daemon() ProcessOption {
	return processFunc(func(o *processOptions) error {
		o.daemon = true
		return nil
	})
}

// Start starts a process that runs the task with arg, and returns when the process exists; it does not wait for the task.
// Each call starts another one. arg is encoded before Start returns.
//
// ctx is the process's life: when it ends before the task is done, the process is terminated, and [Process.Wait] returns the
// cause. The error is about an option, about an argument that cannot be encoded, [ErrNotInitialized] as for [NewPool], or
// why the system starts no process.
//
// Nobody has to wait for a process. [Main] does when its body has returned, and so does a worker, or a process, for those
// that its tasks have started, before it ends; see [Daemon].
func (t *Task[A, R]) Start(ctx context.Context, arg A, opts ...ProcessOption) (*Process[R], error) {
	if t.entryOf() == nil {
		return nil, errNoTask
	}
	o := processOptions{poolOptions: poolOptions{procs: 1, spares: noSpares}}
	for _, opt := range opts {
		if err := opt.applyProcess(&o); err != nil {
			return nil, err
		}
	}
	if err := mayStart(ctx); err != nil {
		return nil, err
	}
	m := newMapItems(t, []A{arg}, o.call)
	c, err := newChild(ctx, newCall(t.entry, nil, m, 1, o.call), t.plain == nil, &o)
	if err != nil {
		return nil, err
	}
	c.failure = func() error {
		_, err := m.one()
		return err
	}
	go c.run(ctx)
	return &Process[R]{c, &m.results[0]}, nil
}

// Wait waits for the process's end and returns the result of its task. It may be called any number of times.
//
// The error is the [TaskError] of a task that failed, the [ExitError] of a process that died before its task was done, the
// cause of the context given to Start when that ended first, or wraps [ErrNoHello] when the process never got to its task.
// To wait for a time, or for one of several, use Done or [WaitAny].
func (p *Process[R]) Wait() (R, error) {
	<-p.done
	if p.err != nil {
		var zero R
		return zero, p.err
	}
	return *p.result, nil
}

// Done returns a channel that is closed when the process has ended and its result, or error, is there.
func (c *child) Done() <-chan struct{} { return c.done }

// Err returns the error that Wait returns, nil before the end. It does not block.
func (c *child) Err() error {
	if c.Alive() {
		return nil
	}
	return c.err
}

// Name returns the process's name.
func (c *child) Name() string { return c.name }

// PID returns the process's id, which is that of its process group too.
func (c *child) PID() int { return c.link.process.PID() }

// Alive reports whether the process has not ended; one that is suspended is alive.
func (c *child) Alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// ExitCode returns how the process ended, as Python's exitcode: see [Exit]. ended is false while it is alive.
func (c *child) ExitCode() (code int, ended bool) {
	exit, ended := c.Exit()
	return exit.Code, ended
}

// Exit returns how the process ended and what it used. ended is false while it is alive.
func (c *child) Exit() (exit Exit, ended bool) {
	if c.Alive() {
		return Exit{}, false
	}
	return c.exit, true
}

// Signal sends a signal to the process, not to what it has started. SIGTERM and SIGHUP end it at once, with all that it has
// started, also if its task is notified of them: see Terminate. SIGINT is for the task, if that is notified of it, and does
// nothing otherwise. After its end it returns [os.ErrProcessDone].
func (c *child) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("mapreduce: send %v to process %s: not a signal of this system", s, c.name)
	}
	return c.signal(number, false)
}

// Terminate ends the process step by step and does not wait for it: the context of its task ends; if the task has not
// returned [KillGrace] later, or takes no context, the process is sent SIGTERM, at which it ends with all that it has
// started, and its exit code is -15; if it is suspended, or something else keeps it from that, SIGKILL follows, and it is -9. A task that returns a result in time
// has it taken. After the process's end it returns [os.ErrProcessDone].
func (c *child) Terminate() error {
	if !c.Alive() {
		return os.ErrProcessDone
	}
	select {
	case c.asked <- struct{}{}:
	default: // it is being terminated
	}
	return nil
}

// Kill sends SIGKILL to the process and all that it has started, and does not wait for their end. After the process's end
// it returns [os.ErrProcessDone].
func (c *child) Kill() error { return c.signal(syscall.SIGKILL, true) }

// Suspend stops the process, and what it has started, until Resume; workers and processes of its own go on. After its end
// it returns [os.ErrProcessDone].
func (c *child) Suspend() error { return c.signal(syscall.SIGSTOP, true) }

// Resume lets a suspended process go on. After its end it returns [os.ErrProcessDone].
func (c *child) Resume() error { return c.signal(syscall.SIGCONT, true) }

// An Exit says how a process ended and what it used.
type Exit struct {
	Code   int            // the exit status, 1 if the task failed; or minus the number of the signal that ended it
	Signal syscall.Signal // what killed it, or 0
	CPU    time.Duration  // user and system time, of what it has waited for too
	MaxRSS int64          // most memory it is known to have had in use, in bytes; 0: that is not known
	Stderr string         // the last lines that it wrote to standard error; of a crash all, where Error shows what matters
}

func newExit(e proc.Exit) Exit {
	if e.Signal != 0 {
		e.Code = -int(e.Signal)
	}
	return Exit{e.Code, e.Signal, e.CPU, e.MaxRSS, e.Stderr}
}

// String says it in words: "killed by SIGKILL", "exit status 3" or, of a Go program that crashed in cgo, "exit status 2 after
// SIGSEGV in C code".
func (e Exit) String() string { return e.proc().String() }

func (e Exit) proc() proc.Exit { return proc.Exit{Code: e.Code, Signal: e.Signal, Stderr: e.Stderr} }

// An ExitError says how a process died before its task was done. [errors.Is] finds [ErrTimeout] or [ErrMemoryLimit] in it if
// that was why.
type ExitError struct {
	Name string // of the process
	PID  int
	Exit

	reason error // why its parent ended it, or nil
}

func (e *ExitError) Error() string {
	var b strings.Builder
	if e.reason != nil {
		fmt.Fprintf(&b, "%v: ", e.reason)
	}
	fmt.Fprintf(&b, "process %s (pid %d) %v; it used %v of processor time", e.Name, e.PID, e.Exit, e.CPU.Round(time.Millisecond))
	if e.MaxRSS > 0 {
		fmt.Fprintf(&b, " and %d MiB at most", e.MaxRSS>>20)
	}
	b.WriteString(e.Exit.proc().LastWords())
	return b.String()
}

// Unwrap returns why the process was ended, nil if that is not known.
func (e *ExitError) Unwrap() error { return e.reason }
