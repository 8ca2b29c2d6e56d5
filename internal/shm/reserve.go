package shm

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Memory that nobody has touched is only a promise: where it runs out meanwhile, touching it is a SIGBUS. So all memory is
// reserved before it is used, and that it has run out is an error of who asks for it. To reserve costs no more than it saves
// when the pages are touched.

// failing counts down to the reservation that fails; 0: none does.
var failing atomic.Int64

// FailReservation has the n-th reservation of memory from now on fail in this process, as where memory has run out; 0 is
// none. It is for tests, which call the function that it returns at the end.
func FailReservation(n int) (stop func()) {
	failing.Store(int64(n))
	return func() { failing.Store(0) }
}

// failNow reports whether a reservation shall fail.
func failNow() bool { return failing.Load() > 0 && failing.Add(-1) == 0 }

const pageSize = 4096

// reserveMemory reserves the pages of a part of the table.
func (t *Table) reserveMemory(at, n uintptr) error {
	begin := at &^ (pageSize - 1)
	return t.region.Reserve(int64(begin), int64(at+n-begin))
}

const unitsAtOnce = 64 << 10 / unitSize

// reserveUnits sees to it that the units before end have memory.
func (t *Table) reserveUnits(end uint32) error {
	for has := t.reserved.Load(); has < end; has = t.reserved.Load() {
		next := min(has+max(unitsAtOnce, end-has), maxUnits)
		if err := t.reserveMemory(unsafe.Offsetof(layout{}.units)+uintptr(has)*unitSize, uintptr(next-has)*unitSize); err != nil {
			return err
		}
		t.reserved.CompareAndSwap(has, next)
	}
	return nil
}

func (t *Table) reserveSlot(i int) error {
	return t.reserveMemory(unsafe.Offsetof(layout{}.slots)+uintptr(i)*unsafe.Sizeof(slot{}), unsafe.Sizeof(slot{}))
}

func (t *Table) reserveRowPage(slot, page int) error {
	return t.reserveMemory(unsafe.Offsetof(layout{}.rows)+uintptr(slot)*unsafe.Sizeof(row{})+uintptr(page)*pageSize, pageSize)
}

// takeMemory takes memory of the table's file that was never used before, in whole pages. There is so much that none is
// ever used again.
func (t *Table) takeMemory(size int64) (at int64, err error) {
	for {
		v := t.memory.Load()
		if size > int64(t.end-v) {
			return 0, fmt.Errorf("%w: there is no room for %d bytes more", ErrFull, size)
		}
		if t.memory.CompareAndSwap(v, v+uint64(size)) {
			return int64(v), nil
		}
	}
}
