package mapreduce

import (
	"slices"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/mapreduce/internal/schedule"
)

// stats returns the numbers so far, see [Pool.Stats].
func (s *supervisor) stats() Stats {
	reply := make(chan Stats, 1)
	s.inbox.put(event{kind: evStats, stats: reply})
	select {
	case numbers := <-reply:
		return numbers
	case <-s.final:
	}
	select {
	case <-s.done:
		return s.last
	default:
		return s.numbers
	}
}

// showProgress calls the Progress function until the pool has ended.
func (s *supervisor) showProgress() {
	ticker := time.NewTicker(s.options.progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			callUser("the Progress function", func() { s.options.progress(s.stats()) })
		case <-s.done:
			callUser("the Progress function", func() { s.options.progress(s.last) })
			return
		}
	}
}

// current returns the numbers: those that are counted as things happen, and those that are computed
// now.
func (s *supervisor) current() Stats {
	now := s.numbers
	now.Running = s.scheduler.Running()
	for _, c := range s.calls {
		now.Waiting += c.state.Waiting()
	}
	at := time.Now()
	now.Elapsed = at.Sub(s.began)
	now.Workers = nil
	for _, l := range s.links {
		if l == nil {
			continue
		}
		seen := l.look()
		times := l.times(at, seen)
		now.Times.add(times)
		if l.ready {
			now.Workers = append(now.Workers, l.stats(at, seen, times))
		}
	}
	now.Slowest = slices.Clone(s.numbers.Slowest)
	return now
}

// stats returns the numbers of a worker that is ready.
func (l *link) stats(at time.Time, seen proc.Sight, times Times) WorkerStats {
	w := WorkerStats{ID: l.id, PID: l.process.PID(), Items: l.items, Memory: seen.Peak, Times: times}
	if !seen.Busy {
		return w
	}
	if c, item := l.itemOf(seen.Tag, seen.Item); c != nil {
		w.Task, w.Item, w.For, w.ItemDone, w.ItemTotal = c.task.name, item, max(at.Sub(seen.Began), 0), seen.Done, seen.Total
	}
	return w
}

// look returns what is seen of the worker; nothing before its process was started.
func (l *link) look() proc.Sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process == nil || l.process.Note == nil {
		return proc.Sight{}
	}
	return l.process.Note.Look()
}

// times returns what the worker has spent its time on until now.
func (l *link) times(now time.Time, seen proc.Sight) Times {
	if !l.ready {
		return Times{Start: max(now.Sub(l.began), 0)}
	}
	ready := now.Sub(l.readyAt)
	work := l.work
	if seen.Busy { // the chunk that it runs now
		work += max(min(now.Sub(seen.Began), ready-work), 0)
	}
	encode := min(seen.Coding, work)
	return Times{
		Start: l.readyAt.Sub(l.began) - l.initTime, Init: l.initTime,
		Wait: max(ready-work, 0), Work: work - encode, Encode: encode,
	}
}

// left counts the time of a worker that ended in good order after its place was taken from it.
func (s *supervisor) left(to *Stats, l *link) {
	times := l.times(l.toldAt, l.look())
	times.Exit = l.exitTime
	to.Times.add(times)
	s.tellWorker(l, WorkerEnded)
}

// allEnded completes the final numbers when all workers have ended.
func (s *supervisor) allEnded() {
	s.last = s.numbers
	for l := range s.leaving {
		s.left(&s.last, l)
	}
	s.last.Elapsed = time.Since(s.began)
	s.last.Workers = slices.Clone(s.numbers.Workers)
	for _, l := range slices.Concat(s.links, s.spares) {
		if l == nil {
			continue
		}
		s.tellWorker(l, WorkerEnded)
		if !l.ready || l.spare {
			continue
		}
		s.last.Times.Exit += l.exitTime
		for i := range s.last.Workers {
			if w := &s.last.Workers[i]; w.ID == l.id {
				w.Exit, w.Memory, w.Task = l.exitTime, l.look().Peak, ""
			}
		}
	}
}

// countAnswer counts the answer of a chunk.
func (s *supervisor) countAnswer(e *event, chunk schedule.Span) {
	n := chunk.Size()
	s.numbers.Done += n
	s.numbers.Failed += len(e.failed)
	e.link.items += n
	e.link.work += e.work
	e.call.count(n, e.work)
	each := e.work / time.Duration(n)
	slowest := s.numbers.Slowest
	if len(slowest) == keepSlowest && each <= slowest[keepSlowest-1].Each {
		return
	}
	slow := SlowItem{Task: e.call.task.name, First: chunk.First, Last: chunk.End - 1, Key: e.key, Each: each}
	at, _ := slices.BinarySearchFunc(slowest, slow, func(a, b SlowItem) int { return int(b.Each - a.Each) })
	slowest = slices.Insert(slowest, at, slow)
	s.numbers.Slowest = slowest[:min(len(slowest), keepSlowest)]
	if len(slowest) >= keepSlowest {
		s.slow.Store(int64(max(s.numbers.Slowest[keepSlowest-1].Each, slowKey)))
	}
}

const (
	keepSlowest = 5                // how many slow items are kept
	slowKey     = time.Millisecond // an item that took less needs no key
)

// key returns the text of the first item of a chunk that took long, for [SlowItem].
func (l *link) key(c sentChunk, work time.Duration) (key string) {
	if each := work / time.Duration(c.span.Size()); int64(each) <= max(l.host.slow.Load(), int64(slowKey)) {
		return ""
	}
	defer func() { _ = recover() }() // of a user's method
	return c.call.items.key(c.span.First)
}
