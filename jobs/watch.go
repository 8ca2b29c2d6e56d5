package jobs

import (
	"slices"
	"sync"
	"time"

	"mrrun/mapreduce"
)

// A watch is told what happens in a run, by a pool or by another engine. The status area, the job
// log, the reports of failures and --json show what it has gathered. It never blocks its engine:
// what must be written is queued.
type watch struct {
	began time.Time
	total int                 // pieces; 0: not known
	piece func(index int) int // the number of a piece, counted from 1
	count func() int          // of the pieces that are done; nil: they are the items of the first call
	log   *jobLog             // nil: none

	mu      sync.Mutex
	done    int                              // pieces
	failed  int                              // of them
	last    int                              // number of the latest call: the first one runs the pieces
	step    string                           // what the driver does after the last piece
	rest    int                              // items of later calls that are done
	deaths  map[int][]mapreduce.WorkerChange // by the index of the piece
	takes   [101]time.Duration               // how long the latest pieces took
	taken   int                              // how many pieces are known
	news    []mapreduce.WorkerChange         // deaths that nobody has been told of
	changed chan struct{}                    // holds a token when there is news
}

func newWatch(total int, piece func(index int) int) *watch {
	return &watch{began: time.Now(), total: total, piece: piece, deaths: make(map[int][]mapreduce.WorkerChange), changed: make(chan struct{}, 1)}
}

// Begin implements [mapreduce.Observer].
func (w *watch) Begin(c mapreduce.Chunk) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = max(w.last, c.Call)
}

// End implements [mapreduce.Observer].
func (w *watch) End(c mapreduce.Chunk, o mapreduce.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := c.Items()
	if c.Call > 1 {
		w.rest += n
		return
	}
	w.done += n
	w.failed += len(o.Failures)
	if o.Work > 0 {
		w.takes[w.taken%len(w.takes)] = o.Work / time.Duration(n)
		w.taken++
	}
	if w.log != nil {
		w.log.add(c, o)
	}
}

// Worker implements [mapreduce.Observer].
func (w *watch) Worker(change mapreduce.WorkerChange) {
	if change.Lost == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if change.Call == 1 {
		w.deaths[change.Lost.Index] = append(w.deaths[change.Lost.Index], change)
	}
	w.news = append(w.news, change)
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// setStep says what the driver does now that all pieces are done.
func (w *watch) setStep(step string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step = step
}

// takeNews returns the deaths that nobody has been told of.
func (w *watch) takeNews() []mapreduce.WorkerChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.news
	w.news = nil
	return news
}

// deathsOf returns how the workers died that ran the piece.
func (w *watch) deathsOf(index int) []mapreduce.WorkerChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.deaths[index])
}

// A progress says how far a run is.
type progress struct {
	total, done, failed int
	step                string        // after the last piece; empty: pieces are left
	rest                int           // done of what follows the pieces
	median              time.Duration // that a piece took; 0: not known
	passed              time.Duration
}

func (w *watch) progress() progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := progress{total: w.total, done: w.done, failed: w.failed, step: w.step, rest: w.rest, passed: time.Since(w.began)}
	if w.count != nil {
		p.done, p.failed, p.rest = w.count(), 0, 0
		return p
	}
	if p.step == "" && w.last > 1 {
		p.step = "reducing"
	} else if p.step == "" && p.total > 0 && p.done >= p.total {
		p.step = "taking the last results"
	}
	if n := min(w.taken, len(w.takes)); n > 0 {
		takes := slices.Clone(w.takes[:n])
		slices.Sort(takes)
		p.median = takes[n/2]
	}
	return p
}
