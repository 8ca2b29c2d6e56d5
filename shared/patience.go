package shared

import (
	"sync/atomic"
	"time"

	"mrrun/internal/shm"
)

// A process that has waited for a millisecond goes before all others, which stand back for it. It
// may be suspended, or get no processor, so they stand back for a [shm.Slice] at most. A process
// that waits measures that by its wait; a patience measures it for the callers of TryLock and
// TryAcquire, which do not wait.
type patience struct {
	whom  atomic.Uint32 // a tag
	since atomic.Int64
}

// over reports whether the callers have stood back for the process whom for long enough.
func (p *patience) over(whom uint32) bool {
	now := time.Now().UnixNano()
	if p.whom.Swap(whom) != whom {
		p.since.Store(now)
		return false
	}
	return now-p.since.Load() > int64(shm.Slice)
}
