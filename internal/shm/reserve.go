package shm

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Memory that was never touched is only promised: if memory has run out by then, touching it raises
// SIGBUS. So all memory is reserved before it is used, and the process that asks for it gets an
// error. A reservation costs no more than it saves when the pages are touched.

// failing counts down to the reservation that fails; 0 means that none does.
var failing atomic.Int64

// FailReservation makes the n-th reservation of memory from now on fail in this process, as if
// memory had run out; with 0 none fails. It is for tests, which must call stop at the end.
func FailReservation(n int) (stop func()) {
	failing.Store(int64(n))
	return func() { failing.Store(0) }
}

// failNow reports whether this reservation must fail.
func failNow() bool { return failing.Load() > 0 && failing.Add(-1) == 0 }

const pageSize = 4096

// reserveMemory reserves the pages of a part of the table.
func (t *Table) reserveMemory(at, n uintptr) error {
	begin := at &^ (pageSize - 1)
	return t.region.Reserve(int64(begin), int64(at+n-begin))
}

const unitsAtOnce = 64 << 10 / unitSize

// reserveUnits makes sure that the units before end have memory.
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

// maxSegment returns the size in bytes of the largest segment that an empty table has room for.
func (t *Table) maxSegment() int64 {
	return (int64(t.end) - int64(unsafe.Sizeof(layout{}))) &^ (pageSize - 1)
}

// takeMemory takes whole pages of the table's file that were never used. There are so many that
// none is ever reused.
func (t *Table) takeMemory(size int64) (at int64, err error) {
	for {
		v := t.memory.Load()
		if size > int64(t.end-v) {
			return 0, fmt.Errorf("%w: there is no room for %d more bytes", ErrFull, size)
		}
		if t.memory.CompareAndSwap(v, v+uint64(size)) {
			return int64(v), nil
		}
	}
}
