package shm

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Views are what a receiver has mapped of the blocks that others send pieces of: each block once, however many pieces of it
// come. Its methods are safe for concurrent use.
type Views struct {
	mu   sync.Mutex
	keep int
	kept int // bytes of those without users
	all  map[Place]*view
	idle []*view // the last one was used last

	timer idleTimer
}

type view struct {
	place  Place
	region *Region
	users  int
	used   time.Time // until when, while there are no users
}

// NewViews makes views that keep blocks mapped after use, up to keep bytes, each until it has not been used for a while. Both
// should be as much as the senders' pools keep.
func NewViews(keep int, idle time.Duration) *Views {
	return &Views{keep: keep, all: map[Place]*view{}, timer: idleTimer{after: idle}}
}

// View returns the bytes that a piece names. They are there until [Views.Release], even if the sender dies. The error wraps
// [os.ErrNotExist] if the sender has died before.
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
			return nil, fmt.Errorf("view shared memory of process %d: it is no block", p.PID)
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
		return nil, fmt.Errorf("view shared memory of process %d: %d bytes from %d on are not in its %d",
			p.PID, p.Length, p.Offset, len(mem))
	}
	return mem[p.Offset : p.Offset+p.Length : p.Offset+p.Length], nil
}

// Retain is another View of a piece that has a user, whom it must not lose meanwhile.
func (v *Views) Retain(p Piece) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.all[p.Place]
	if w == nil || w.users == 0 {
		panic("shm: a view that there is not is retained")
	}
	w.users++
}

// Release says that the bytes of a piece are not used any more, so that the sender may use the block again. Each View has one
// Release.
func (v *Views) Release(p Piece) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.all[p.Place]
	if w == nil || w.users == 0 {
		panic("shm: release of a view that there is not")
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

// Forget unmaps what nobody uses of the blocks of a process, which has ended.
func (v *Views) Forget(pid int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range slices.Clone(v.idle) {
		if w.place.PID == pid {
			v.drop(w)
		}
	}
}

// Close unmaps what nobody uses, and the rest when it is released.
func (v *Views) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep = -1
	v.trim()
	v.timer.stop()
}

// trim unmaps those that were not used for the longest time, if they are too many or it is long enough.
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
	_ = w.region.Close() // it fails only for what is not mapped
}

func (v *Views) unlist(w *view) {
	i := slices.Index(v.idle, w)
	v.idle = slices.Delete(v.idle, i, i+1)
	v.kept -= len(w.region.Bytes())
}
