package shared

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"mrrun/internal/shm"
)

// A process that has waited for a [shm.Slice] looks for a cycle: it waits for a lock whose holder
// waits for a lock, and so on, until the holder is the process itself. It reports a cycle once, if
// that is still there some time later, through [slog.Default], which in a worker leads to the
// driver's handler. All this costs nothing where no process waits.
//
// The holder of a lock is a process, not a goroutine. So if the goroutines of a process hold locks
// and wait for locks independently of each other, a process may report a cycle that will resolve
// itself.

// deadlockAfter is how long a cycle must last before it is reported.
const deadlockAfter = 100 * time.Millisecond

// holders holds, by kind, the functions that return the process that holds an object. The other
// kinds have no single holder and end a search.
var holders = map[shm.Kind]func(o shm.Object) shm.Tag{
	kindLock:  lockHolder,
	kindRLock: lockHolder,
	kindValue: lockHolder,
}

// lockHolder returns the holder of an object that is, or has, a lock.
func lockHolder(o shm.Object) shm.Tag { return shm.Tag(o.Hot(0).Load() & shm.TagMask) }

// A waiting is a process that waits for an object.
type waiting struct {
	who shm.Tag
	o   shm.Object
	at  string // file:line
}

// A sighting records when a cycle was seen.
type sighting struct {
	first, last time.Time
	reported    bool
}

// sightings are those of the cycles that this process is to report, by the names of the cycles.
var sightings struct {
	sync.Mutex
	all map[string]sighting
}

// lookForDeadlock reports a deadlock of this process, if there is one. A process calls it when it
// has waited for a [shm.Slice].
func lookForDeadlock(p *shm.Process) {
	cycle := findCycle(p.Table(), p.Tag())
	if cycle == nil {
		return
	}
	if ripe(nameCycle(p.Table(), cycle)) {
		slog.Error("deadlock: "+describeCycle(p.Table(), cycle), "processes", len(cycle))
	}
}

// ripe reports whether a cycle has lasted long enough and has not been reported yet.
func ripe(cycle string) bool {
	sightings.Lock()
	defer sightings.Unlock()
	now := time.Now()
	for c, s := range sightings.all {
		if now.Sub(s.last) > 10*shm.Slice { // the cycle has gone, and may come again
			delete(sightings.all, c)
		}
	}
	if sightings.all == nil {
		sightings.all = make(map[string]sighting)
	}
	s, seen := sightings.all[cycle]
	if !seen {
		s.first = now
	}
	ripe := !s.reported && now.Sub(s.first) >= deadlockAfter
	s.last, s.reported = now, s.reported || ripe
	sightings.all[cycle] = s
	return ripe
}

// findCycle returns a cycle of processes that wait for each other, beginning with first, or nil.
// Only the process with the least tag finds it, so that it is reported once.
func findCycle(t *shm.Table, first shm.Tag) []waiting {
	waits := make(map[shm.Tag][]waiting)
	t.WaitsFor(func(who shm.Tag, o shm.Object, at string) {
		waits[who] = append(waits[who], waiting{who, o, at})
	})
	visited := make(map[shm.Tag]bool)
	var path []waiting
	var search func(who shm.Tag) bool
	search = func(who shm.Tag) bool {
		visited[who] = true
		for _, w := range waits[who] {
			holder := holders[w.o.Kind()]
			if holder == nil {
				continue
			}
			next := holder(w.o)
			path = append(path, w)
			if next == first && len(path) > 1 || next > first && !visited[next] && search(next) {
				return true
			}
			path = path[:len(path)-1]
		}
		return false
	}
	if search(first) {
		return path
	}
	return nil
}

// nameCycle names a cycle by the processes and the objects that they wait for. The places where
// they wait are not in the name: they keep changing if the goroutines of a process wait in turn.
func nameCycle(t *shm.Table, cycle []waiting) string {
	name := fmt.Sprint(t.ID())
	for _, w := range cycle {
		name += fmt.Sprintf(" %d:%d", w.who, w.o.Handle())
	}
	return name
}

// describeCycle describes which process waits where for which object, and which process holds that.
func describeCycle(t *shm.Table, cycle []waiting) string {
	var b strings.Builder
	for i, w := range cycle {
		holder := cycle[(i+1)%len(cycle)].who
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "process %d waits at %s for %s %d, which process %d holds",
			t.PID(w.who), w.at, kindNames[w.o.Kind()], w.o.Handle().Unit, t.PID(holder))
	}
	return b.String()
}
