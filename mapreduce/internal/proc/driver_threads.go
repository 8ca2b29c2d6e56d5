package proc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// threadsHint is what to do when the system starts no process or no thread.
const threadsHint = "raise the limit of this user's threads (ulimit -u), or that of its control group (pids.max), or use fewer processes"

// noThreadBegins are what lines begin with by which the runtime of a worker says that it gets no thread, and ends it. A dump of
// all goroutines follows, which tells nothing more.
var noThreadBegins = []string{
	"runtime: failed to create new OS thread",
	"fatal error: newosproc",
	"runtime/cgo: pthread_create failed: Resource temporarily unavailable",
}

func saysNoThread(line string) bool {
	return slices.ContainsFunc(noThreadBegins, func(words string) bool { return strings.HasPrefix(line, words) })
}

// NoThread reports whether the worker ended because the system gave it no thread.
func (e Exit) NoThread() bool {
	if e.Code != exitCrash && e.Signal != syscall.SIGABRT {
		return false
	}
	for line := range strings.Lines(e.Stderr) {
		if saysNoThread(line) {
			return true
		}
	}
	return false
}

// LastWords returns, for the end of a message about how the worker ended, what it said last, or what that means.
func (e Exit) LastWords() string {
	switch {
	case e.NoThread():
		return "; it got no thread: " + threadsHint
	case e.Stderr != "":
		return "; its last words:\n" + Brief(e.Stderr)
	}
	return ""
}

// noThreadError is about a worker that never was ready.
func (p *Process) noThreadError() error {
	return fmt.Errorf("worker %d (pid %d) got no thread: %w; %s", p.ID, p.PID(), syscall.EAGAIN, threadsHint)
}

// A heldLine is not passed on yet.
type heldLine struct {
	item int
	text []byte
}

// maxHeld is more lines than the dump of a worker has as a rule.
const maxHeld = 10_000

// hold keeps back what a worker prints from the runtime's words on that it gets no thread, until it is known whether it ended
// of that. It reports whether it has kept the line.
func (s *stream) hold(item int, line []byte) bool {
	if len(s.held) == 0 && (!saysNoThread(string(line)) || WholeDumps()) || len(s.held) == maxHeld {
		return false
	}
	s.held = append(s.held, heldLine{item, bytes.Clone(line)})
	return true
}

// release passes on what was held back of a worker that ended in good order: another program has said it. A worker that was
// killed was on its way to die of it.
func (s *stream) release(exit Exit, sink OutputFunc) {
	if exit.Code != 0 {
		return
	}
	for _, line := range s.held {
		sink(true, line.item, line.text)
	}
}
