package shm

// A Tag names one process of the tree: generation(16) | slot+1 (14). It is never 0 and has [TagBits] bits, and no process
// has [NoTag], which is for states of an owner word that are no owner.
type Tag uint32

// TagBits is how many bits a [Tag] has, and TagMask those bits of a word.
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

// Slots is how many slots there are, and Slot the number of a process's: for memory that has a place for each.
const Slots = maxSlots

// Slot returns the number of the process's slot, below [Slots]. Processes of different times may have the same.
func (g Tag) Slot() int { return g.slot() }

func (g Tag) slot() int          { return int(g&slotMask) - 1 }
func (g Tag) generation() uint16 { return uint16(g >> slotBits) }
