package shm

import "time"

// An idleTimer has memory given back that was not used for a while, though nobody comes to use it again. Its owner's mutex
// guards it.
type idleTimer struct {
	after time.Duration // how long what is not used is kept
	timer *time.Timer   // nil: nothing is kept
}

// over reports whether what was used last at a time has been kept for long enough.
func (i *idleTimer) over(used time.Time) bool { return time.Since(used) >= i.after }

// start has sweep called some time later, unless it will be called anyway.
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
