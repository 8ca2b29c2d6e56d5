package blocks

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"mrrun/internal/shm"
)

// Views are a receiver's mappings of the blocks that others send pieces of. Each block is mapped
// once, however many pieces of it arrive. Its methods are safe for concurrent use.
type Views struct {
	mu   sync.Mutex
	keep int
	kept int // bytes of the blocks without users
	all  map[shm.Place]*view
	idle []*view // the one used last comes last

	timer idleTimer
}

type view struct {
	place  shm.Place
	region *shm.Region
	users  int
	used   time.Time // when the last user released it
}

// NewViews makes views that keep up to keep bytes of blocks mapped after use, and each of them only
// until it has been unused for the duration idle. Both should match the senders' pools.
func NewViews(keep int, idle time.Duration) *Views {
	return &Views{keep: keep, all: map[shm.Place]*view{}, timer: idleTimer{after: idle}}
}

// View returns the bytes that a piece names. They are valid until [Views.Release], even if the
// sender dies. The error wraps [os.ErrNotExist] if the sender died before the call.
func (v *Views) View(p Piece) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.all[p.Place]
	if w == nil {
		region, err := p.Map()
		if err != nil {
			return nil, err
		}
		if len(region.Bytes()) < minBlock {
			region.Close()
			return nil, fmt.Errorf("view shared memory of process %d: it is not a block", p.PID)
		}
		w = &view{place: p.Place, region: region}
		v.all[p.Place] = w
	} else if w.users == 0 {
		v.unlist(w)
	}
	w.users++
	mem := w.region.Bytes()[:len(w.region.Bytes())-lineSize]
	if p.Offset < 0 || p.Offset > len(mem) || p.Length < 0 || p.Length > len(mem)-p.Offset {
		v.release(w)
		return nil, fmt.Errorf("view shared memory of process %d: %d bytes at offset %d are outside of its %d bytes",
			p.PID, p.Length, p.Offset, len(mem))
	}
	return mem[p.Offset : p.Offset+p.Length : p.Offset+p.Length], nil
}

// Retain adds a user to a piece. The piece must have another user during the call.
func (v *Views) Retain(p Piece) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.all[p.Place]
	if w == nil || w.users == 0 {
		panic("blocks: retain of a view that does not exist")
	}
	w.users++
}

// Release says that the bytes of a piece are no longer used, so that the sender may reuse the
// block. Each View or Retain needs one Release.
func (v *Views) Release(p Piece) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.all[p.Place]
	if w == nil || w.users == 0 {
		panic("blocks: release of a view that does not exist")
	}
	v.release(w)
}

func (v *Views) release(w *view) {
	if w.users--; w.users == 0 {
		lentWord(w.region).Store(0)
		w.used = time.Now()
		v.idle = append(v.idle, w)
		v.kept += len(w.region.Bytes())
		v.trim()
	}
}

// Forget unmaps the unused blocks of a process that has ended.
func (v *Views) Forget(pid int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range slices.Clone(v.idle) {
		if w.place.PID == pid {
			v.drop(w)
		}
	}
}

// Close unmaps the unused blocks now, and the others when they are released.
func (v *Views) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep = -1
	v.trim()
	v.timer.stop()
}

// trim unmaps the blocks that have been unused the longest, while they are too many bytes or have
// been kept long enough.
func (v *Views) trim() {
	for len(v.idle) > 0 && (v.kept > v.keep || v.timer.over(v.idle[0].used)) {
		v.drop(v.idle[0])
	}
	if len(v.idle) > 0 {
		v.timer.start(v.sweep)
	}
}

// sweep is called from time to time while there are blocks without users.
func (v *Views) sweep() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.timer.stop()
	v.trim()
}

func (v *Views) drop(w *view) {
	v.unlist(w)
	delete(v.all, w.place)
	_ = w.region.Close() // it fails only if the region is not mapped
}

func (v *Views) unlist(w *view) {
	i := slices.Index(v.idle, w)
	v.idle = slices.Delete(v.idle, i, i+1)
	v.kept -= len(w.region.Bytes())
}
