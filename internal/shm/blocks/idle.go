package blocks

import "time"

// An idleTimer schedules the freeing of memory that has been unused for a while, even if its owner
// is not called again. The owner's mutex guards it.
type idleTimer struct {
	after time.Duration // how long unused memory is kept
	timer *time.Timer   // nil: no sweep is scheduled
}

// over reports whether memory that was last used then has been kept for long enough.
func (i *idleTimer) over(used time.Time) bool { return time.Since(used) >= i.after }

// start schedules a call of sweep, unless one is scheduled already.
func (i *idleTimer) start(sweep func()) {
	if i.timer == nil {
		i.timer = time.AfterFunc(max(i.after/4, 10*time.Millisecond), sweep)
	}
}

func (i *idleTimer) stop() {
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}
