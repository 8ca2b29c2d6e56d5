package manager

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A client that waits for a lock looks for a cycle: the lock's holder waits for a lock whose holder
// waits, and so on, until the holder is the client itself. It reports a cycle to the server's log,
// once, if the next look finds the same one.
//
// The holder of a lock is a client, not a goroutine. So if the goroutines of a client hold locks
// and wait for locks independently of each other, a client may report a cycle that will resolve
// itself.

const (
	deadlockAfter = 100 * time.Millisecond // before the first look, and to confirm a cycle
	deadlockEvery = 3 * time.Second        // the longest time between looks
)

// waits guards the wait-for graph of the locks of a server. Its mu is locked before that of a lock.
type waits struct{ mu sync.Mutex }

// An awaited is a lock that a client waits for.
type awaited struct {
	s        *session
	lock     *lockObject
	timer    *time.Timer   // for the next look
	pause    time.Duration // before that look
	cycle    []*awaited    // found by the last look
	reported bool          // as a part of a cycle
	ended    bool
}

// add records that a client waits for a lock, until end is called. The callers of both must not
// hold the mu of a lock.
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

// look looks for a cycle that begins with a, and reports it if the last look found the same one.
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

// findCycle returns a cycle of clients that wait for each other, or nil. The caller holds the mu of
// the server's waits.
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

// report logs a cycle, unless all its waits have been reported already.
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

// who names the client for the log: by its process if that is on this machine, else by its address.
func (s *session) who() string {
	if pid := peerProcess(s.conn); pid != 0 {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("the client at %v", s.conn.RemoteAddr())
}

// nameOf names a lock for the log: by the name that it was made with, else by its number.
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
