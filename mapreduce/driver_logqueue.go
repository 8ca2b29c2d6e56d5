package mapreduce

import (
	"log/slog"
	"sync"
)

// A logQueue passes the records of a worker to a handler, in order, while the driver reads on: a
// burst that is too fast for the handler does not delay the item that logs it. After more than a
// burst, put waits.
type logQueue struct {
	handle func(slog.Record)
	most   int // bytes that may wait, approximately

	mu      sync.Mutex
	changed sync.Cond
	waiting []queuedRecord
	bytes   int  // of waiting, and of the record that is being handled
	running bool // a goroutine is handling records
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

// put queues a record. It blocks while too many bytes wait.
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

// drain waits until all records are handled.
func (q *logQueue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running {
		q.changed.Wait()
	}
}
