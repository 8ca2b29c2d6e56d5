package jobs

import (
	"fmt"
	"io"
	"os"
	"sync"

	"mrrun/internal/plain"
	"mrrun/mapreduce"
)

// A view is all that a run shows besides its result: messages, the display, the job log. Without
// one, a run is silent.
type view struct {
	screen  *screen
	display *display // nil: only errors are shown
	watch   *watch
	log     *jobLog // nil: none
	path    string  // of the job log
	stopped sync.Once
}

// newView returns the view of a run on standard error.
func newView(job string, r Running) *view {
	v := &view{screen: newScreen(os.Stderr), path: r.JobLog}
	if !r.Quiet {
		v.display = newDisplay(job, v.screen, r.Progress)
	}
	return v
}

// makeRoom leaves the terminal to a job that writes its result to it piece by piece.
func (v *view) makeRoom() {
	if isTerminal(os.Stdout) {
		v.screen.live = false
	}
}

// options prepare for a run of so many pieces, and return the options of its pool.
func (v *view) options(e *engine) ([]mapreduce.PoolOption, error) {
	v.watch = newWatch(e.pieces, e.number)
	v.watch.count = e.count
	if v.path != "" {
		var err error
		again := func(piece int) string { return e.line.again("--only", fmt.Sprint(piece)) }
		if v.log, err = openJobLog(v.path, e.number, again, v.watch); err != nil {
			return nil, err
		}
		v.watch.log = v.log
	}
	return []mapreduce.PoolOption{
		mapreduce.Observe(v.watch),
		mapreduce.PrintTo(v.screen.writer(os.Stdout), v.screen.writer(os.Stderr)),
	}, nil
}

// start begins to show the run of a pool.
func (v *view) start(from source) {
	if v.display != nil {
		v.display.start(v.watch, from)
	}
}

// step says what the driver does now that all pieces are done.
func (v *view) step(step string) {
	if v.watch != nil {
		v.watch.setStep(step)
	}
}

// stop removes the status area. It may be called again.
func (v *view) stop() {
	v.stopped.Do(func() {
		if v.display != nil {
			v.display.stop()
		}
	})
}

// end ends the job log, when the pool has ended.
func (v *view) end() error {
	if v.log == nil {
		return nil
	}
	return v.log.close()
}

// say prints a message above the status area.
func (v *view) say(text string) {
	fmt.Fprintf(v.screen.writer(os.Stderr), "%s: %s\n", program, text)
}

// close prints what is to be said about a run that has ended. Of a short run on a terminal, and of
// any in a pipe, that is nothing unless workers were lost.
func (v *view) close(r *Run) {
	if v.display == nil {
		return
	}
	for _, note := range r.Notes() {
		v.say(note)
	}
	long := r.Seconds >= displayDelay.Seconds()
	if r.Lost > 0 || long && (v.screen.live || v.display.every > 0) {
		v.say(r.closing())
	}
}

// A lastWriter writes the result. The status area makes room for it.
type lastWriter struct {
	io.Writer
	view *view
}

func (w *lastWriter) Write(b []byte) (int, error) {
	w.view.stop()
	return w.Writer.Write(b)
}

// harmless returns a writer to out that a terminal does not obey, and what writes the rest at the
// end.
func harmless(out io.Writer) (to io.Writer, flush func() error) {
	if out != os.Stdout || !isTerminal(os.Stdout) {
		return out, func() error { return nil }
	}
	w := &plain.Writer{To: out}
	return w, w.Flush
}
