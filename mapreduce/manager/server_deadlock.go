package manager

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A client that waits for a lock looks for a cycle: that one's holder waits for a lock whose holder waits, and so on, until
// the holder is itself. One that is still the same when it looks again is reported to the server's log, once.
//
// What holds a lock is a client, not a goroutine of it. So of a client whose goroutines hold and wait for locks independently
// of each other, a cycle may be reported that resolves itself.

const (
	deadlockAfter = 100 * time.Millisecond // until the first look, and between the two that see the same
	deadlockEvery = 3 * time.Second        // most between looks
)

// waits is the wait-for graph of the locks of a server. Its mu comes before that of a lock.
type waits struct{ mu sync.Mutex }

// awaited is a lock that a client waits for.
type awaited struct {
	s        *session
	lock     *lockObject
	timer    *time.Timer   // of the next look
	pause    time.Duration // before it
	cycle    []*awaited    // that was seen at the last look
	reported bool          // as part of a cycle
	ended    bool
}

// add notes that a client waits for a lock, until end is called. Nobody who calls it has the mu of a lock.
func (w *waits) add(s *session, lock *lockObject) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := &awaited{s: s, lock: lock, pause: deadlockAfter}
	s.awaits = append(s.awaits, a)
	a.timer = time.AfterFunc(a.pause, func() { w.look(a) })
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		a.ended = true
		a.timer.Stop()
		i := slices.Index(s.awaits, a)
		s.awaits = slices.Delete(s.awaits, i, i+1)
	}
}

// look looks for a cycle that begins with a, and reports it if it was there the last time.
func (w *waits) look(a *awaited) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.ended {
		return
	}
	cycle := a.findCycle()
	if cycle != nil && slices.Equal(cycle, a.cycle) {
		a.s.srv.report(cycle)
	}
	a.pause = min(2*a.pause, deadlockEvery)
	if cycle != nil && a.cycle == nil {
		a.pause = deadlockAfter
	}
	a.cycle = cycle
	a.timer.Reset(a.pause)
}

// findCycle returns a cycle of clients that wait for each other, or nil. The server's waits are locked.
func (a *awaited) findCycle() []*awaited {
	visited := make(map[*session]bool)
	path := []*awaited{a}
	var search func() bool
	search = func() bool {
		next := path[len(path)-1].lock.heldBy()
		if next == a.s {
			return len(path) > 1
		}
		if next == nil || visited[next] {
			return false
		}
		visited[next] = true
		for _, more := range next.awaits {
			path = append(path, more)
			if search() {
				return true
			}
			path = path[:len(path)-1]
		}
		return false
	}
	if search() {
		return path
	}
	return nil
}

// report logs a cycle, unless one of its clients has.
func (srv *Server) report(cycle []*awaited) {
	if !slices.ContainsFunc(cycle, func(a *awaited) bool { return !a.reported }) {
		return
	}
	var b strings.Builder
	for i, a := range cycle {
		a.reported = true
		if i > 0 {
			b.WriteString("; ")
		}
		holder := cycle[(i+1)%len(cycle)].s
		fmt.Fprintf(&b, "%s waits for %s, which %s holds", a.s.who(), srv.nameOf(a.lock), holder.who())
	}
	srv.o.log.Error("manager: deadlock: "+b.String(), "clients", len(cycle))
}

// who names the client for people: by its process if it is of this machine.
func (s *session) who() string {
	if pid := peerProcess(s.conn); pid != 0 {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("the client at %v", s.conn.RemoteAddr())
}

// nameOf names a lock for people: by the name that it was made with if it has one.
func (srv *Server) nameOf(o *lockObject) string {
	number := o.number.Load()
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for name, e := range srv.names {
		if e.id == number {
			return fmt.Sprintf("lock %q", name)
		}
	}
	return fmt.Sprintf("lock %d", number)
}
