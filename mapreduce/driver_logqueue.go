package mapreduce

import (
	"log/slog"
	"sync"
)

// A logQueue has the records of a worker handled in order, while its answers are read on: a burst that the handler is too
// slow for does not hold back the item that logs it. More than a burst does: put waits then.
type logQueue struct {
	handle func(slog.Record)
	most   int // bytes that may wait, roughly

	mu      sync.Mutex
	changed sync.Cond
	waiting []queuedRecord
	bytes   int  // of those, and of the one that is being handled
	running bool // a goroutine handles them
}

type queuedRecord struct {
	record slog.Record
	size   int
}

// logBurst is how many bytes of records may wait in a pool. Only tests change it.
var logBurst = 16 << 20

func (q *logQueue) init(procs int, handle func(slog.Record)) {
	q.handle, q.most = handle, logBurst/procs
	q.changed.L = &q.mu
}

// put has a record handled by and by.
func (q *logQueue) put(r slog.Record, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes > q.most {
		q.changed.Wait()
	}
	q.waiting = append(q.waiting, queuedRecord{r, size})
	q.bytes += size
	if !q.running {
		q.running = true
		go q.run()
	}
}

// run handles records until there are none.
func (q *logQueue) run() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) > 0 {
		batch := q.waiting
		q.waiting = nil
		for i := range batch {
			q.mu.Unlock()
			q.handle(batch[i].record)
			q.mu.Lock()
			q.bytes -= batch[i].size
			q.changed.Broadcast()
		}
	}
	q.running = false
	q.changed.Broadcast()
}

// drain returns when all records are handled.
func (q *logQueue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running {
		q.changed.Wait()
	}
}
