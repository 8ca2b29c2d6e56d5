package transport

// A position is a place between two messages: closed(1) | messages before it(31) | units before
// it(32). The counts wrap around; only their differences have a meaning.
type position uint64

const (
	closedBit = position(1 << 63)
	countMask = 1<<31 - 1
)

func (p position) units() uint32 { return uint32(p) }

func (p position) messages() uint32 { return uint32(p>>32) & countMask }

// after returns the position behind a message of so many units that begins at p.
func (p position) after(units uint32) position {
	return p&closedBit | position((p.messages()+1)&countMask)<<32 | position(p.units()+units)
}

// since returns the number of messages from begin to p.
func (p position) since(begin position) uint32 { return (p.messages() - begin.messages()) & countMask }

func messageUnits(length int) uint32 { return uint32((length + lengthSize + ringUnit - 1) / ringUnit) }

func (r *ring) at(p position) int { return int(uint64(p.units())*ringUnit) & (len(r.mem) - 1) }

// fits reports whether there is room for one more message of so many units.
func (r *ring) fits(tail, head position, units uint32) bool {
	used := tail.units() - head.units()
	limit := uint32(r.limit.Load())
	return uint64(used)+uint64(units) <= uint64(len(r.mem)/ringUnit) && (limit == 0 || tail.since(head) < limit)
}
