package mapreduce

import "sync/atomic"

// Stats are the numbers of a pool since it was made.
type Stats struct {
	Chunks int // messages with work sent to workers
	Sent   int // items in them
	Done   int // items answered
}

// Stats returns the numbers so far. It never blocks.
func (p *Pool) Stats() Stats { return p.counters.read() }

type counters struct{ chunks, items, done atomic.Int64 }

func (c *counters) sent(items int) {
	c.chunks.Add(1)
	c.items.Add(int64(items))
}

func (c *counters) answered(items int) { c.done.Add(int64(items)) }

func (c *counters) read() Stats {
	return Stats{Chunks: int(c.chunks.Load()), Sent: int(c.items.Load()), Done: int(c.done.Load())}
}

// A WorkerInfo describes a live worker.
type WorkerInfo struct {
	ID  int // 1 … number of workers; its replacement has the same
	PID int // process id
}

// Workers returns the workers whose processes run now, by ID.
func (p *Pool) Workers() []WorkerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []WorkerInfo
	for _, l := range p.links {
		l.mu.Lock()
		if l.process != nil && !l.process.Ended() {
			all = append(all, WorkerInfo{ID: l.number(), PID: l.process.PID()})
		}
		l.mu.Unlock()
	}
	return all
}
