package shared

import (
	"sync/atomic"
	"time"

	"mrrun/internal/shm"
)

// A process that has waited for a millisecond goes before all others, which stand back for it. It may be suspended, or get no
// processor: so they stand back for a [shm.Slice] at most. Who waits measures that by its wait; a patience measures it for
// those who only try.
type patience struct {
	whom  atomic.Uint32 // a tag
	since atomic.Int64
}

// over reports whether one has stood back for a process for long enough.
func (p *patience) over(whom uint32) bool {
	now := time.Now().UnixNano()
	if p.whom.Swap(whom) != whom {
		p.since.Store(now)
		return false
	}
	return now-p.since.Load() > int64(shm.Slice)
}
