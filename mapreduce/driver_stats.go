package mapreduce

import (
	"slices"
	"time"
)

func (p *Pool) showProgress() {
	ticker := time.NewTicker(p.options.progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			callUser("the Progress function", func() { p.options.progress(p.Stats()) })
		case <-p.done:
			callUser("the Progress function", func() { p.options.progress(p.numbers) })
			return
		}
	}
}

// current returns the numbers: those that are counted as things happen, and those that are computed
// now.
func (p *Pool) current() Stats {
	s := p.numbers
	for _, w := range p.scheduler.workers {
		for _, f := range w.flights {
			s.Running += f.size()
		}
	}
	for _, c := range p.calls {
		s.Waiting += c.state.have - c.state.next + c.state.delayed
		for _, again := range c.state.again {
			s.Waiting += again.size()
		}
	}
	now := time.Now()
	s.Workers = nil
	for _, l := range p.links {
		if l != nil && l.ready {
			s.Workers = append(s.Workers, WorkerStats{
				ID: l.id, PID: l.process.PID(), Items: l.items, Start: l.readyAt.Sub(l.began),
				Work: l.work, Idle: max(now.Sub(l.readyAt)-l.work, 0),
			})
		}
	}
	s.Slowest = slices.Clone(p.numbers.Slowest)
	return s
}

// countAnswer counts the answer of a chunk.
func (p *Pool) countAnswer(e *event, chunk span) {
	n := chunk.size()
	p.numbers.Done += n
	p.numbers.Failed += e.failed
	e.link.items += n
	e.link.work += e.work
	e.call.count(n, e.work)
	each := e.work / time.Duration(n)
	slowest := p.numbers.Slowest
	if len(slowest) == keepSlowest && each <= slowest[keepSlowest-1].Each {
		return
	}
	slow := SlowItem{Task: e.call.task.name, First: chunk.first, Last: chunk.end - 1, Each: each}
	at, _ := slices.BinarySearchFunc(slowest, slow, func(a, b SlowItem) int { return int(b.Each - a.Each) })
	slowest = slices.Insert(slowest, at, slow)
	p.numbers.Slowest = slowest[:min(len(slowest), keepSlowest)]
}

// keepSlowest is how many slow items are kept.
const keepSlowest = 5
