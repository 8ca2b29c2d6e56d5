package mapreduce

import "sync/atomic"

// Stats are the numbers of a pool since it was made.
type Stats struct {
	Chunks   int // messages with work sent to workers
	Sent     int // items in them; one that is sent again counts again
	Done     int // items answered or given up
	Retried  int // items that were tried again because their worker died
	Lost     int // workers that died
	Recycled int // workers that were replaced in good order
}

// Stats returns the numbers so far. It never blocks.
func (p *Pool) Stats() Stats {
	c := &p.counters
	return Stats{
		Chunks: int(c.chunks.Load()), Sent: int(c.items.Load()), Done: int(c.done.Load()),
		Retried: int(c.retried.Load()), Lost: int(c.lost.Load()), Recycled: int(c.recycled.Load()),
	}
}

type counters struct{ chunks, items, done, retried, lost, recycled atomic.Int64 }

func (c *counters) sent(items int) {
	c.chunks.Add(1)
	c.items.Add(int64(items))
}

func (c *counters) answered(items int) { c.done.Add(int64(items)) }

// A WorkerInfo describes a live worker.
type WorkerInfo struct {
	ID  int // counts from 1; a worker that takes the place of another has a new one
	PID int // process id
}

// Workers returns the workers whose processes run now.
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
