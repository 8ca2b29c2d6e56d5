package schedule

import "time"

// A Span is the items First … End-1 of a call.
type Span struct{ First, End int }

// Size returns the number of items.
func (s Span) Size() int { return s.End - s.First }

// A Call is what a scheduler knows of one use of a verb. The pool sets the exported fields before
// it submits the call; from then on it only reads them.
type Call struct {
	Owner     any // the pool's record of the same call
	Chunksize int // items; 0: automatic
	Backups   bool
	Retries   int     // how often an item whose worker was lost is tried again
	Have      int     // items 0 … Have-1 exist
	Ended     bool    // no others will come
	Direct    bool    // items are sent to workers that hold nothing, and begin at once
	Place     int     // 1 + the only place that may run it; 0: any place may
	Window    int     // most items that may be sent beyond consumed; 0: any number
	PerWorker int     // most items that a busy worker may hold; 0: any number
	Seen      Measure // of this call, and of earlier ones of its task

	consumed  int         // results that no longer need room
	next      int         // first item that was never sent
	again     []Span      // spans to send again
	attempts  map[int]int // workers lost so far, by item
	delayed   int         // items that wait for their back-off
	held      int         // chunks at workers
	useless   int         // those of held whose copies were answered
	answered  int         // items
	cancelled bool
	finished  bool

	queued     bool // whether it is in the scheduler's queue, between prev and succ
	prev, succ *Call
}

// Next returns the index of the first item that was neither sent nor given up.
func (c *Call) Next() int { return c.next }

// Attempt returns which attempt of the item is the latest, from 1.
func (c *Call) Attempt(item int) int { return c.attempts[item] + 1 }

// Held reports whether workers hold items of the call.
func (c *Call) Held() bool { return c.held > 0 }

// Cancelled reports whether the call was cancelled.
func (c *Call) Cancelled() bool { return c.cancelled }

// Finished reports whether the call is over.
func (c *Call) Finished() bool { return c.finished }

// Waiting returns how many items wait to be sent.
func (c *Call) Waiting() int {
	items := c.Have - c.next + c.delayed
	for _, span := range c.again {
		items += span.Size()
	}
	return items
}

// mayRunAt reports whether the call's items may go to this worker.
func (c *Call) mayRunAt(place int) bool { return c.Place == 0 || c.Place == place+1 }

// mayQueue reports whether a busy worker may also get the span, which costs as much as given.
func (c *Call) mayQueue(w *workerState, span Span, cost time.Duration, workers int) bool {
	if c.Direct || c.PerWorker > 0 && w.holds+span.Size() > c.PerWorker {
		return false
	}
	queued := w.queued + cost
	return c.Seen.Known() && queued-w.flights.Items()[0].cost <= windowWork && float64(queued) <= c.Seen.share(c.left(), workers)
}

// left returns the number of items without an answer, or -1 if more may come.
func (c *Call) left() int {
	if !c.Ended {
		return -1
	}
	return c.Have - c.answered
}

// limit returns the index of the first item that may not be sent yet, because there is no room for
// its result.
func (c *Call) limit(workers int) int {
	if c.Window == 0 {
		return c.Have
	}
	window := c.Window
	if c.Seen.bytes > 0 {
		least := max(2*workers*max(c.Chunksize, 1), 1)
		window = min(window, max(least, int(WindowBytes/c.Seen.bytes)))
	}
	return c.consumed + window
}
