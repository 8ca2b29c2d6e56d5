package mapreduce

import (
	"fmt"
	"slices"
	"time"
)

// Stats are the numbers of a pool since it was made. An item that is sent again, because its worker died, counts as sent
// again.
type Stats struct {
	Chunks   int // messages with work sent to workers
	Sent     int // items in them
	Done     int // items answered or given up, failed ones too
	Failed   int // items whose task failed, or that were given up
	Retried  int // times that an item was tried again because its worker died
	Lost     int // workers that died
	Recycled int // workers that were replaced in good order

	Running int // items at workers now
	Waiting int // items that the pool has got and not sent

	Workers []WorkerStats // that run now
	Slowest []SlowItem    // the slowest first, five at most
}

// WorkerStats are the numbers of one worker.
type WorkerStats struct {
	ID    int
	PID   int
	Items int           // that it has answered
	Start time.Duration // from the decision to start it until it was ready
	Work  time.Duration // that it spent on items
	Idle  time.Duration // that it has been ready and had none, or waited for its messages
}

// A SlowItem is a chunk whose items took long, one item if they were sent alone.
type SlowItem struct {
	Task        string
	First, Last int           // indexes of its items
	Each        time.Duration // mean time of an item
}

// keepSlowest is the number of slow items that are kept.
const keepSlowest = 5

// Stats returns the numbers so far. It waits for what the pool is doing, some microseconds; once the pool ends it returns the
// last numbers, also to an Output function that takes the last lines of a worker.
func (p *Pool) Stats() Stats {
	reply := make(chan Stats, 1)
	p.inbox.put(event{kind: evStats, stats: reply})
	select {
	case s := <-reply:
		return s
	case <-p.final:
		return p.numbers
	}
}

// Progress has f called with the numbers of the pool at every interval, and a last time when the pool ends. It is called
// for one interval at a time, and [Pool.Close] waits for it. A panic of f is reported to standard error.
func Progress(every time.Duration, f func(Stats)) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if every <= 0 {
			return fmt.Errorf("mapreduce: Progress(%v): takes a positive interval", every)
		}
		if f == nil {
			return fmt.Errorf("mapreduce: Progress(%v): the function is nil", every)
		}
		o.progress, o.progressEvery = f, every
		return nil
	})
}

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

// current completes the numbers that are counted as things happen.
func (p *Pool) current() Stats {
	s := p.numbers
	for _, w := range p.dispatcher.workers {
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

// A WorkerInfo describes a live worker.
type WorkerInfo struct {
	ID  int // counts from 1; a worker that takes the place of another has a new one
	PID int // process id
}

// Workers returns the workers whose processes run now, some of which may not be ready yet; none after Close. Those that are
// being replaced, and [Spares], are not among them. It does not block.
func (p *Pool) Workers() []WorkerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []WorkerInfo
	for _, l := range p.links {
		if l == nil {
			continue
		}
		l.mu.Lock()
		if l.process != nil && l.alive() {
			all = append(all, WorkerInfo{ID: l.id, PID: l.process.PID()})
		}
		l.mu.Unlock()
	}
	return all
}
