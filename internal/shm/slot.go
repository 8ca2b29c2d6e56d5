package shm

import (
	"fmt"
	"os"
)

// A slot is what the table knows of one process.
type slot struct {
	life     life
	edges    [maxEdges]Word
	dropping Word                  // the unit of an object that the process is about to drop
	arrivals Word                  // changes when something it keeps has arrived
	parted   Word                  // the tag of the process, when it has said that it exits
	touched  [rowPages / 64]Word64 // pages of its row that have memory
	site     [22]Word64            // text: where the process waits
}

// A life is the word that says which process a slot belongs to: generation(16) | state(2) |
// start(24) pid(22), or the tag of the process that reserved it. Each change replaces the whole
// word, so that a reader never sees half of a process.
type life struct{ Word64 }

const (
	slotFree     = iota // of no process
	slotReserved        // of a process that is about to be started
	slotReady           // of a process that has mapped the table
	slotDead            // what its process left is being repaired
)

const (
	stateShift      = 46
	generationShift = 48
	pidBits         = 22
	startMask       = 1<<24 - 1
)

func lifeOf(generation uint16, state int, what uint64) uint64 {
	return uint64(generation)<<generationShift | uint64(state)<<stateShift | what
}

func lifeState(v uint64) int         { return int(v >> stateShift & 3) }
func lifeGeneration(v uint64) uint16 { return uint16(v >> generationShift) }
func lifePID(v uint64) int           { return int(v & (1<<pidBits - 1)) }
func lifeStart(v uint64) uint32      { return uint32(v >> pidBits & startMask) }

// slot returns the slot of a tag, or nil if there is none.
func (t *Table) slot(g Tag) *slot {
	if i := g.slot(); i >= 0 && i < len(t.usedSlots()) {
		return &t.slots[i]
	}
	return nil
}

// Reserve reserves a slot for a process that p is about to start. The child inherits [Table.File]
// and passes the slot to [Enter]. When the child has ended, or could not be started, p must call
// [Table.Reap]. If p dies first, other processes find the slot and reap it. The error wraps
// [ErrFull].
func (p *Process) Reserve() (Tag, error) { return p.table.reserve(p.tag) }

func (t *Table) reserve(by Tag) (Tag, error) {
	for range 2 {
		for i := range t.slots {
			if err := t.useSlot(i); err != nil {
				return 0, fmt.Errorf("reserve a slot for a process: %w", err)
			}
			v := t.slots[i].life.Load()
			if lifeState(v) != slotFree {
				continue
			}
			if generation := lifeGeneration(v); t.slots[i].life.CompareAndSwap(v, lifeOf(generation, slotReserved, uint64(by))) {
				return tagOf(i, generation), nil
			}
		}
		t.collect()
	}
	return 0, fmt.Errorf("reserve a slot for a process: %w: %d processes run", ErrFull, maxSlots)
}

// useSlot makes sure that slot i has memory and is among the used ones.
func (t *Table) useSlot(i int) error {
	for n := t.slotsUsed.Load(); int(n) <= i; n = t.slotsUsed.Load() {
		if err := t.reserveSlot(i); err != nil {
			return err
		}
		t.slotsUsed.CompareAndSwap(n, uint32(i+1))
	}
	return nil
}

// usedSlots returns the slots that were ever used. A process takes the first free one.
func (t *Table) usedSlots() []slot { return t.slots[:t.slotsUsed.Load()] }

// running counts the processes that have mapped the table. It stops after a long run of free slots.
func (t *Table) running() (n int) {
	const gap = 64
	free := 0
	for i := range t.usedSlots() {
		switch lifeState(t.slots[i].life.Load()) {
		case slotFree:
			if free++; free == gap {
				return n
			}
		case slotReady:
			n, free = n+1, 0
		}
	}
	return n
}

// ready assigns the reserved slot g to process pid.
func (t *Table) ready(g Tag, pid int, start uint32) error {
	s := t.slot(g)
	if s == nil {
		return fmt.Errorf("enter the table of the process tree: %#x is not a slot", uint32(g))
	}
	v := s.life.Load()
	if lifeGeneration(v) == g.generation() && lifeState(v) == slotReserved {
		t.clear(s, g.slot())
	}
	is := lifeOf(g.generation(), slotReady, uint64(start&startMask)<<pidBits|uint64(pid))
	if lifeGeneration(v) != g.generation() || lifeState(v) != slotReserved || !s.life.CompareAndSwap(v, is) {
		return fmt.Errorf("enter the table of the process tree: the slot of process %d was released or is taken: "+
			"the process that started this one is gone, or started two processes with one slot", os.Getpid())
	}
	return nil
}
