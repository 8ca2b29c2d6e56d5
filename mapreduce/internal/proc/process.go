package proc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Process is a worker as its driver sees it. Its methods are safe for concurrent use.
type Process struct {
	ID       int
	Requests Requests // frames for the worker
	Answers  Answers  // frames from it
	Note     *Note    // which item it runs

	process *os.Process   // nil: the worker is a goroutine of this process
	killed  chan struct{} // closed by Kill, for a goroutine
	out     *output
	slot    slot
	stopped Stopwatch
	ended   chan struct{} // closed when the worker was reaped
	done    chan struct{} // closed when its last words were read, too
	exit    Exit

	inherited int64 // at most so much memory counts as the worker's though it was this process's

	mu       sync.Mutex // held while it is reaped: no signal may reach the next owner of its id
	reaped   bool
	asked    syscall.Signal // the last signal to the worker alone, if that signal ends it
	killing  bool           // this process has sent it a SIGKILL, or a signal that makes it send one
	stopOnce sync.Once
}

// An Exit says how a worker ended.
type Exit struct {
	Code   int            // the signal that killed it, or 0
	Signal syscall.Signal // what killed it, or 0
	MaxRSS int64          // most memory in use, as far as known, in bytes; 0: unknown
	Taken  int64          // under a memory limit: bytes taken beyond its rest, as last noted
	CPU    time.Duration  // user and system time
	Stderr string         // last lines of standard error, with the runtime's report of a crash

	KernelOOM bool // the kernel killed it because there was no memory left
}

// String describes the exit: "killed by SIGKILL", "exit status 3" or "exit status 2 after SIGSEGV
// in C code".
func (e Exit) String() string {
	if e.Signal != 0 {
		return "killed by " + signalName(e.Signal)
	}
	switch signal, inC := e.crashSignal(); {
	case inC:
		return fmt.Sprintf("exit status %d after %s in C code", e.Code, signal)
	case signal != "":
		return fmt.Sprintf("exit status %d after %s", e.Code, signal)
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Close releases the driver's pipes and memory of a worker that has ended.
func (p *Process) Close() {
	p.CloseRequests()
	if p.Note != nil { // first: its memory may be that of the answers
		p.Note.Close()
	}
	if p.Answers != nil {
		p.Answers.Close()
	}
}

// CloseRequests tells the worker that nothing more will come: without a KindStop it ends at once.
// It may be called again.
func (p *Process) CloseRequests() {
	p.stopOnce.Do(func() {
		if p.Requests != nil {
			p.Requests.Close()
		}
	})
}

// Shares reports whether the worker has shared memory with this process.
func (p *Process) Shares() bool { return p.slot.tag != 0 }

// PID returns the worker's process id, which is also that of its group.
func (p *Process) PID() int {
	if p.process == nil {
		return os.Getpid()
	}
	return p.process.Pid
}

// Done is closed when the worker has ended and was reaped, its whole group was killed, and what it
// printed was passed on.
func (p *Process) Done() <-chan struct{} { return p.done }

// Suspended returns for how long, until now, signals have stopped the worker. It is 0 except on
// Linux.
func (p *Process) Suspended(now time.Time) time.Duration { return p.stopped.Total(now) }

// IsSuspended reports whether a signal has stopped the worker. It is false except on Linux.
func (p *Process) IsSuspended() bool { return p.stopped.Running() }

// Ended is closed when the worker has ended and was reaped, which is before Done.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Exit returns how the worker ended. It blocks until Done is closed.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// wait is the only place that reaps the worker.
func (p *Process) wait() {
	oomKills.begin()
	awaitExit(p.PID(), &p.stopped)
	p.mu.Lock()
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // what its tasks have started
	state, err := p.process.Wait()
	p.reaped = true
	p.mu.Unlock()
	living.remove(p)
	if adoptsOrphans() {
		go reapOrphans(p.PID()) // some cannot be killed: another user's, say
	}
	p.slot.reap()
	close(p.ended)
	p.Answers.finish()
	p.out.finish()
	if err != nil {
		p.exit.Code = -1
		p.exit.Stderr = err.Error()
	} else {
		p.exit = exitOf(state)
		if p.asked != 0 && p.exit.Signal == syscall.SIGKILL {
			p.exit.Signal = p.asked // the worker then killed its group, and so itself
		}
		p.exit.KernelOOM = p.exit.Signal == syscall.SIGKILL && !p.killing && oomKills.claim()
		p.exit.MaxRSS, p.exit.Taken = p.peak(p.exit.MaxRSS), p.Note.taken()
		p.exit.Stderr = p.out.words(p.exit)
	}
	p.out.stderr.release(p.exit)
	close(p.done)
}

// HasParted handles the last word of the worker: it counts as ended for those with which it shares
// memory, and HasParted returns when all that it has printed was passed on, with a last line that
// has no newline.
func (p *Process) HasParted() {
	p.slot.part()
	if p.out != nil {
		p.out.pass()
	}
}

// exitCrash is the exit status of a Go program that panicked or that its runtime ended.
const exitCrash = 2

func exitOf(state *os.ProcessState) Exit {
	e := Exit{Code: state.ExitCode(), CPU: state.UserTime() + state.SystemTime()}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = maxRSS(usage)
	}
	return e
}

// Times that a worker gets before the next, harder step.
const (
	StopTime = 2 * time.Second        // from the end of its requests to SIGTERM
	TermTime = 300 * time.Millisecond // from SIGTERM to SIGKILL
)

// Stop ends an idle worker in good order. The caller must have sent it a KindStop frame. Stop
// closes its requests, sends SIGTERM after grace, and SIGKILL after [TermTime] more. It returns
// when the worker was reaped and what it printed was passed on.
func (p *Process) Stop(grace time.Duration) {
	p.CloseRequests()
	if !p.endedWithin(grace) {
		p.terminate()
		if !p.endedWithin(TermTime) {
			p.Kill()
		}
	}
	<-p.done
}

func (p *Process) terminate() {
	if p.process == nil {
		p.Kill()
	} else {
		_ = p.process.Signal(syscall.SIGTERM)
	}
}

// Signal sends a signal to the worker, or to its whole group. SIGTERM and SIGHUP end it: Signal
// then also closes its requests; otherwise the worker would take the signal as meant for its
// driver. After the worker's end Signal returns [os.ErrProcessDone].
func (p *Process) Signal(s syscall.Signal, group bool) error {
	if s == syscall.SIGTERM || s == syscall.SIGHUP {
		defer p.CloseRequests()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.endedWithin(0) {
		return os.ErrProcessDone
	}
	if p.process == nil {
		return p.signalGoroutine(s)
	}
	p.asked = 0
	p.killing = p.killing || s == syscall.SIGKILL || s == syscall.SIGTERM || s == syscall.SIGHUP
	target := p.PID()
	switch {
	case group:
		target = -target
	case s == syscall.SIGTERM, s == syscall.SIGHUP:
		p.asked = s
	}
	return syscall.Kill(target, s)
}

// signalGoroutine gives up a worker that is a goroutine, if the signal would end a process. p.mu is
// held.
func (p *Process) signalGoroutine(s syscall.Signal) error {
	switch s {
	case syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL:
		p.reaped = true
		close(p.killed)
		return nil
	}
	return fmt.Errorf("send %s to a goroutine: %w", signalName(s), errors.ErrUnsupported)
}

// Kill sends SIGKILL to the worker and its whole group. It does not wait.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		if !p.reaped {
			p.reaped = true
			close(p.killed)
		}
		return
	}
	if !p.reaped {
		p.asked, p.killing = 0, true
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	}
}

func (p *Process) endedWithin(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}
