package mapreduce

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A spareSet holds processes that were started ahead and wait for a task: links that are not yet
// greeted. All are of one kind.
type spareSet struct {
	mu       sync.Mutex
	kind     string // what they have in common: see kindOf
	wanted   int
	ready    []*link
	starting int
	ending   int
	changed  sync.Cond // signalled when starting or ending changes
}

// spareProcesses are the spares of [Task.Start].
var spareProcesses = newSpareSet()

func newSpareSet() *spareSet {
	s := &spareSet{}
	s.changed.L = &s.mu
	return s
}

// noSpares is the number of spares of a Start without [Spares].
const noSpares = -1

// sparePause is the pause before a process that was taken is replaced, so that the start of the
// next one does not slow it down.
const sparePause = 2 * time.Millisecond

// take returns a process that is ready, or nil. It then starts as many others as the options say,
// and ends those of another kind.
func (s *spareSet) take(o *poolOptions) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind := kindOf(o); kind != s.kind {
		s.drop(0)
		s.kind = kind
	}
	s.wanted = o.spares
	var taken *link
	for taken == nil && len(s.ready) > 0 {
		taken, s.ready = s.ready[0], s.ready[1:]
		if !taken.alive() {
			s.end(taken)
			taken = nil
		}
	}
	for len(s.ready)+s.starting < s.wanted {
		s.starting++
		kind := s.kind
		time.AfterFunc(sparePause, func() { s.start(kind, *o) })
	}
	s.drop(s.wanted)
	return taken
}

// kindOf returns what is fixed when a process is started, and so tells kinds of processes apart.
func kindOf(o *poolOptions) string {
	return fmt.Sprintf("%q %q %q %q %d %d %t", o.path, o.args, o.env, o.dir, o.memory, o.nice, o.pin)
}

// start starts a process, and keeps it if it is still wanted. If it cannot be started, the next
// Start will report that.
func (s *spareSet) start(kind string, o poolOptions) {
	l := newChildLink(context.Background(), o, "spare")
	l.taken = make(chan struct{})
	err := l.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting--
	s.changed.Broadcast()
	switch {
	case err != nil:
	case kind != s.kind || len(s.ready) >= s.wanted:
		s.end(l)
	default:
		s.ready = append(s.ready, l)
	}
}

// drop ends all but the first n that are ready.
func (s *spareSet) drop(n int) {
	n = min(n, len(s.ready))
	for _, l := range s.ready[n:] {
		s.end(l)
	}
	s.ready = slices.Delete(s.ready, n, len(s.ready))
}

// end kills a process, and waits for it in a new goroutine.
func (s *spareSet) end(l *link) {
	close(l.taken)
	l.process.Kill()
	s.ending++
	go func() {
		l.process.Stop(0)
		l.release()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ending--
		s.changed.Broadcast()
	}()
}

// endAll ends all processes and waits for them.
func (s *spareSet) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = 0
	s.drop(0)
	for s.starting+s.ending > 0 {
		s.changed.Wait()
	}
}

// assign gives a process that was started ahead the options and the name that were unknown then.
func (l *link) assign(ctx context.Context, o poolOptions, name string) {
	l.host.ctx, l.host.life, l.host.options = ctx, ctx, o
	l.name = childName(name, l.id)
	close(l.taken)
}
