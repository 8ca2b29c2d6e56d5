package jobs

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

const (
	progressDelay = 500 * time.Millisecond // a short run shows nothing
	progressEvery = 200 * time.Millisecond
)

// showProgress keeps one line on the terminal up to date until stop is called, which removes the
// line. It does nothing without a terminal. total 0 means unknown.
func showProgress(f *os.File, job string, total int, done func() int) (stop func()) {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(gone)
		tick := time.NewTimer(progressDelay)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(f, "\r\x1b[K%s", progressLine(job, total, done(), time.Since(began)))
				tick.Reset(progressEvery)
			case <-quit:
				if time.Since(began) >= progressDelay {
					fmt.Fprint(f, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// progressLine describes the progress. It shows the remaining time as soon as that can be
// estimated.
func progressLine(job string, total, done int, passed time.Duration) string {
	if total == 0 {
		return fmt.Sprintf("%s  %d pieces  %s", job, done, passed.Round(time.Second))
	}
	done = min(done, total)
	line := fmt.Sprintf("%s  %3d %%  %d of %d pieces  %s", job, 100*done/total, done, total, passed.Round(time.Second))
	if done*50 > total && passed > time.Second {
		left := time.Duration(float64(passed) / float64(done) * float64(total-done))
		line += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	return line
}
