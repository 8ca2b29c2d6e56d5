package mapreduce

import (
	"mrrun/mapreduce/internal/schedule"
	"slices"
	"time"
)

// stats returns the numbers so far, see [Pool.Stats].
func (s *supervisor) stats() Stats {
	reply := make(chan Stats, 1)
	s.inbox.put(event{kind: evStats, stats: reply})
	select {
	case numbers := <-reply:
		return numbers
	case <-s.final:
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
			callUser("the Progress function", func() { s.options.progress(s.numbers) })
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
	now.Workers = nil
	for _, l := range s.links {
		if l != nil && l.ready {
			now.Workers = append(now.Workers, WorkerStats{
				ID: l.id, PID: l.process.PID(), Items: l.items, Start: l.readyAt.Sub(l.began),
				Work: l.work, Idle: max(at.Sub(l.readyAt)-l.work, 0),
			})
		}
	}
	now.Slowest = slices.Clone(s.numbers.Slowest)
	return now
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
	slow := SlowItem{Task: e.call.task.name, First: chunk.First, Last: chunk.End - 1, Each: each}
	at, _ := slices.BinarySearchFunc(slowest, slow, func(a, b SlowItem) int { return int(b.Each - a.Each) })
	slowest = slices.Insert(slowest, at, slow)
	s.numbers.Slowest = slowest[:min(len(slowest), keepSlowest)]
}

// keepSlowest is how many slow items are kept.
const keepSlowest = 5
