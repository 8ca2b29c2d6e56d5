package proc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// threadsHint is what to do when the system does not start a process or a thread.
const threadsHint = "raise the limit of this user's threads (ulimit -u), or that of its control group (pids.max), or use fewer processes"

// noThreadBegins are the beginnings of the lines with which the runtime of a worker reports that it
// gets no thread, and then ends the worker. A dump of all goroutines follows, which tells nothing
// more.
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

// LastWords returns the worker's last words, or what they mean, for the end of a message about how
// it ended.
func (e Exit) LastWords() string {
	switch {
	case e.NoThread():
		return "; it got no thread: " + threadsHint + ", or raise its MemoryLimit, if it has one"
	case e.Stderr != "":
		return "; its last words:\n" + Brief(e.Stderr)
	}
	return ""
}

// noThreadError returns the error about a worker that got no thread before it was ready.
func (p *Process) noThreadError() error {
	return fmt.Errorf("worker %d (pid %d) got no thread: %w; %s", p.ID, p.PID(), syscall.EAGAIN, threadsHint)
}

// A heldLine is a line that was not passed on yet.
type heldLine struct {
	item int
	text []byte
}

// maxHeld is more lines than the dump of a worker usually has.
const maxHeld = 10_000

// hold keeps back what a worker prints, beginning with the runtime's report that it gets no thread,
// until it is known whether the worker ended because of that. It reports whether it has kept the
// line.
func (s *stream) hold(item int, line []byte) bool {
	if len(s.held) == 0 && (!saysNoThread(string(line)) || WholeDumps()) || len(s.held) == maxHeld {
		return false
	}
	s.held = append(s.held, heldLine{item, bytes.Clone(line)})
	return true
}

// release passes on what was held back if the worker ended in good order: then another program has
// printed it. A worker that was killed was about to end because of it.
func (s *stream) release(exit Exit) {
	if exit.Code != 0 {
		return
	}
	for _, line := range s.held {
		s.sink(true, line.item, line.text)
	}
	s.held = nil
}
