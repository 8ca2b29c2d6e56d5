package jobs

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"mrrun/mapreduce"
)

const (
	displayDelay = time.Second // a run that is shorter shows nothing but its result
	displayEvery = 100 * time.Millisecond
)

// A source is a pool, or another engine, whose numbers a display shows.
type source interface{ Stats() mapreduce.Stats }

// A display shows a run while it lasts: in a status area on a terminal, otherwise by messages
// alone. A signal SIGUSR1 prints the area once, anywhere.
type display struct {
	job    string
	watch  *watch
	screen *screen
	every  time.Duration // between two lines about the progress, for logs; 0: none
	delay  time.Duration

	from source
	eta  estimate
	quit chan struct{}
	gone sync.WaitGroup
}

func newDisplay(job string, s *screen, every time.Duration) *display {
	return &display{job: job, screen: s, every: every, delay: displayDelay, quit: make(chan struct{})}
}

// start begins to show the run that w watches. Until stop, what is logged goes above the area.
func (d *display) start(w *watch, from source) {
	d.watch, d.from = w, from
	log.SetOutput(d.screen.writer(os.Stderr))
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	d.gone.Go(func() {
		defer signal.Stop(asked)
		d.run(asked)
	})
}

// stop removes the area. Nothing is to be done if the display was not started.
func (d *display) stop() {
	if d.watch == nil {
		return
	}
	close(d.quit)
	d.gone.Wait()
	d.screen.set(nil)
	log.SetOutput(os.Stderr)
}

func (d *display) run(asked <-chan os.Signal) {
	messages := d.screen.writer(d.screen.out)
	area := time.NewTimer(d.delay)
	defer area.Stop()
	var lines <-chan time.Time
	if d.every > 0 {
		ticker := time.NewTicker(d.every)
		defer ticker.Stop()
		lines = ticker.C
	}
	for {
		select {
		case <-area.C:
			d.draw()
			area.Reset(displayEvery)
		case <-d.watch.changed:
			d.tellDeaths(messages)
		case <-lines:
			s := d.status()
			s.asLine = true
			fmt.Fprintf(messages, "%s: %s\n", program, s.head(1<<20))
		case <-asked:
			d.print(messages)
		case <-d.quit:
			d.tellDeaths(messages)
			return
		}
	}
}

func (d *display) draw() {
	if !d.screen.live {
		return
	}
	s := d.status()
	s.colours = os.Getenv("NO_COLOR") == ""
	d.screen.set(s.lines(d.screen.size()))
}

// print prints the area as lines that stay.
func (d *display) print(to io.Writer) {
	s := d.status()
	s.asLine = true
	columns := 1 << 10
	if isTerminal(d.screen.out) {
		columns, _ = d.screen.size()
	}
	for _, line := range s.lines(columns, 1<<10) {
		fmt.Fprintf(to, "%s: %s\n", program, line)
	}
}

func (d *display) status() *status {
	s := &status{job: d.job, progress: d.watch.progress(), numbers: d.from.Stats(), piece: d.watch.piece}
	done := float64(s.done)
	for _, w := range s.numbers.Workers {
		if w.ItemTotal > 0 {
			done += min(float64(w.ItemDone)/float64(w.ItemTotal), 1)
		}
	}
	s.left = d.eta.left(s.passed, done, float64(s.total))
	return s
}

// tellDeaths prints a message for each worker that died and whose piece will be tried again, or
// that ran none. The failure of a piece tells of the others.
func (d *display) tellDeaths(to io.Writer) {
	const shown = 10 // at a time
	news := d.watch.takeNews()
	told := 0
	for _, change := range news {
		lost := change.Lost
		text := fmt.Sprintf("worker %d %s (pid %d)", change.ID, lost.End(), change.PID)
		switch {
		case change.Call == 1 && change.Again:
			text = fmt.Sprintf("piece %d: %s; it is tried again", d.watch.piece(lost.Index), text)
		case change.Call > 0 && !change.Again:
			continue
		}
		if told++; told <= shown {
			fmt.Fprintf(to, "%s: %s\n", program, text)
		}
	}
	if told > shown {
		fmt.Fprintf(to, "%s: %d more workers died\n", program, told-shown)
	}
}

// An estimate says how long the pieces that are left will take.
type estimate struct {
	at   time.Duration // of the last estimate, since the beginning
	done float64
	rate float64 // pieces in a second, a moving average
	time time.Duration
}

// left returns the time that is left; 0: not known. It changes once a second.
func (e *estimate) left(passed time.Duration, done, total float64) time.Duration {
	if total == 0 || done == 0 || passed < 2*time.Second && done < total/50 {
		return 0
	}
	if passed-e.at < time.Second && e.rate > 0 {
		return max(e.time-(passed-e.at), 0)
	}
	average := done / passed.Seconds()
	if e.rate == 0 {
		e.rate = average
	} else {
		const weight = 0.1
		latest := (done - e.done) / (passed - e.at).Seconds()
		e.rate += (latest - e.rate) * weight
	}
	e.at, e.done = passed, done
	// The average of all is calm, and the latest rate is right when the pieces change.
	e.time = time.Duration((total - done) * 2 / (e.rate + average) * float64(time.Second))
	return e.time
}
