package shm

// A Tag names one process of the tree: generation(16) | slot+1 (14). It is never 0 and has
// [TagBits] bits. No process has [NoTag]: it is for owner words that have no owner.
type Tag uint32

// TagBits is how many bits a [Tag] has, and TagMask has these bits set.
const (
	TagBits = 30
	TagMask = 1<<TagBits - 1
	NoTag   = Tag(TagMask)
)

const (
	slotBits = 14
	slotMask = 1<<slotBits - 1
)

func tagOf(slot int, generation uint16) Tag { return Tag(generation)<<slotBits | Tag(slot+1) }

// Slots is how many slots there are: memory with a place for each process has that many places.
const Slots = maxSlots

// Slot returns the number of the process's slot, from 0 to Slots-1. Processes that do not run at
// the same time may have the same one.
func (g Tag) Slot() int { return g.slot() }

func (g Tag) slot() int          { return int(g&slotMask) - 1 }
func (g Tag) generation() uint16 { return uint16(g >> slotBits) }
