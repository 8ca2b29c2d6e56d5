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

// A Process is a separate process that runs a task once, as Python's Process runs its target. Its
// methods are safe for concurrent use, and may be called at any time, even after its end.
//
// Unlike a pool, a process does not try again: if it dies before its task is done, it fails with an
// [ExitError]. What the task started dies with its process. Wait returns the error of a failure,
// whether of the task or by a death that this process did not cause; the failure is also reported
// when it happens, with the stack of a panic, to the [Logger] if there is one and otherwise to
// standard error.
type Process[R any] struct {
	*child
	result *R // set before Done is closed
}

type processOptions struct {
	poolOptions
	name   string
	daemon bool
}

type processFunc func(*processOptions) error

func (f processFunc) applyProcess(o *processOptions) error { return f(o) }

// Name names a process in messages, before the lines that it prints, and in ps; the default is
// Process-1 and so on.
func Name(name string) ProcessOption {
	return processFunc(func(o *processOptions) error {
		if name == "" || strings.ContainsAny(name, "\x00\n") {
			return fmt.Errorf("mapreduce: Name(%q): must be one line, and not empty", name)
		}
		o.name = name
		return nil
	})
}

// Daemon makes a process one for which no other process waits: it is terminated, as by
// [Process.Terminate], when the body of [Main] has returned, or when the worker or process that
// started it is done.
func Daemon() ProcessOption {
	return processFunc(func(o *processOptions) error {
		o.daemon = true
		return nil
	})
}

// Start starts a process that runs the task with arg, and returns when the process exists; it does
// not wait for the task. Each call starts another process. arg is encoded before Start returns.
//
// ctx bounds the process's life: if it ends before the task is done, the process is terminated, and
// [Process.Wait] returns the cause. The error is about an option, about an argument that cannot be
// encoded, [ErrNotInitialized] as for [NewPool], or why the system could not start a process.
//
// The caller does not have to wait for a process. [Main] waits for it when its body has returned,
// and a worker or process waits, before it ends, for those that its tasks started; see [Daemon].
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
	if err := o.checkInProcess(); err != nil {
		return nil, err
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

// Wait waits for the process's end and returns the result of its task. It may be called any number
// of times.
//
// A process ends with its last word, after its exit functions and all that it prints and logs. The
// system may then take a moment to remove it, and what its task started and left running; Exit
// waits for that.
//
// The error is the [TaskError] of a task that failed, the [ExitError] of a process that died before
// its task was done, or the cause of the context given to Start if that ended first; it wraps
// [ErrNoHello] if the process never reached its task. To wait with a time limit, or for one of
// several processes, use Done or [WaitAny].
func (p *Process[R]) Wait() (R, error) {
	<-p.done
	if p.err != nil {
		var zero R
		return zero, p.err
	}
	return *p.result, nil
}

// Done returns a channel that is closed when the process has ended and its result or error is
// available.
func (c *child) Done() <-chan struct{} { return c.done }

// Err returns the error that Wait returns; nil before the end. It does not block.
func (c *child) Err() error {
	if c.Alive() {
		return nil
	}
	return c.err
}

// Name returns the process's name.
func (c *child) Name() string { return c.name }

// PID returns the process ID, which is also the ID of its process group.
func (c *child) PID() int { return c.link.process.PID() }

// Alive reports whether the process has not ended; a suspended process is alive.
func (c *child) Alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// ExitCode returns how the process ended, like Python's exitcode: see [Exit]. ended is false while
// it is alive. Like Exit, ExitCode may block for a moment after the end.
func (c *child) ExitCode() (code int, ended bool) {
	exit, ended := c.Exit()
	return exit.Code, ended
}

// Exit returns how the process ended and what it used. ended is false while it is alive. After the
// end it blocks until the system has removed the process and all that its task started.
func (c *child) Exit() (exit Exit, ended bool) {
	if c.Alive() {
		return Exit{}, false
	}
	<-c.reaped
	return c.exit, true
}

// Signal sends a signal to the process, but not to what it started. SIGTERM and SIGHUP end it at
// once, with all that it started, even if its task has asked to be notified of them: see Terminate.
// SIGINT goes to the task if it has asked to be notified of it, and otherwise does nothing. After
// the process's end, Signal returns [os.ErrProcessDone].
func (c *child) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("mapreduce: send %v to process %s: not a signal of this system", s, c.name)
	}
	return c.signal(number, false)
}

// Terminate ends the process step by step and does not wait for it. First the context of its task
// ends. If the task has not returned [KillGrace] later, or takes no context, the process receives
// SIGTERM, at which it ends with all that it started; its exit code is -15. If it is suspended, or
// something else keeps it from ending, it receives SIGKILL, and its exit code is -9. If the task
// returns a result in time, Wait returns it. After the process's end, Terminate returns
// [os.ErrProcessDone].
func (c *child) Terminate() error {
	if !c.Alive() {
		return os.ErrProcessDone
	}
	select {
	case c.asked <- struct{}{}:
	default: // it is already being terminated
	}
	return nil
}

// Kill sends SIGKILL to the process and all that it started, and does not wait for their end. After
// the process's end it returns [os.ErrProcessDone].
func (c *child) Kill() error { return c.signal(syscall.SIGKILL, true) }

// Suspend stops the process, and what it started, until Resume; workers and processes that it
// started itself continue. After the process's end it returns [os.ErrProcessDone].
func (c *child) Suspend() error { return c.signal(syscall.SIGSTOP, true) }

// Resume continues a suspended process. After its end it returns [os.ErrProcessDone].
func (c *child) Resume() error { return c.signal(syscall.SIGCONT, true) }

// An Exit says how a process ended and what it used.
type Exit struct {
	Code   int            // exit status, 1 if the task failed; or minus the signal that ended it
	Signal syscall.Signal // the signal that killed it, or 0
	CPU    time.Duration  // user and system time, including that of processes it waited for
	MaxRSS int64          // largest known memory use in bytes; 0: unknown
	Stderr string         // last lines on standard error; all of a crash, of which Error shows what matters
}

func newExit(e proc.Exit) Exit {
	if e.Signal != 0 {
		e.Code = -int(e.Signal)
	}
	return Exit{e.Code, e.Signal, e.CPU, e.MaxRSS, e.Stderr}
}

// String describes the exit: "killed by SIGKILL", "exit status 3" or, for a Go program that crashed
// in cgo, "exit status 2 after SIGSEGV in C code".
func (e Exit) String() string { return e.proc().String() }

func (e Exit) proc() proc.Exit { return proc.Exit{Code: e.Code, Signal: e.Signal, Stderr: e.Stderr} }

// An ExitError says how a process died before its task was done. [errors.Is] finds [ErrTimeout] or
// [ErrMemoryLimit] in it if that was the reason.
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

// Unwrap returns why the process was ended; nil if that is not known.
func (e *ExitError) Unwrap() error { return e.reason }
