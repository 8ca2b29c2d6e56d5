// Package shm is the memory that the processes of a tree share, made so that a kill -9 of any of them, at any instruction,
// leaves it usable for the others. Package shared builds its primitives on it.
//
// # The table
//
// One segment, the [Table], belongs to the whole tree. The root makes it and every process maps it:
//
//	header | 4096 slots, one for each process | objects, in units of 128 bytes
//
// Every word in it that two processes use is a [Word] or a [Word64], and every reference an offset: a process can be gone
// between any two of its atomic operations. So each step of an algorithm here is one such operation, and what a process
// leaves behind when it dies between two of them is at worst a leak, or what somebody else repairs:
//
//   - a slot has one word that says whose it is, and in which state;
//   - an object is claimed, freed and taken again by one operation each, without a lock;
//   - a process that waits for an object, or owes its waiters a wake-up, first says so in its slot.
//
// # Who died
//
// Owner words hold the [Tag] of a process: its slot and how often that slot was used before, so that a new process never
// looks like the dead one whose slot it got. [Table.Reap] repairs what a dead process has left and frees its slot. Whoever
// has waited for the process calls it; and since every wait is cut into slices of [Slice], after which the waiter asks
// whether the owner lives, others call it too if that one never does.
//
// # Waiting
//
// At most one goroutine for each process and object waits in the kernel. The others queue before it, see [Process.TakeTurn].
//
// # Large memory
//
// A [Segment] is a region of its own, and its object in the table says where it is: whoever has that object opens the region
// through /proc and maps it, with no help of the process that made it. A [Pool] has the regions for large messages, which say
// themselves where their bytes are; [Views] are the receiver's side.
package shm
