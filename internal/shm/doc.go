// Package shm is the memory that the processes of a tree share, made so that a kill -9 of any of
// them, at any instruction, leaves it usable for the others. Package shared builds its primitives
// on it.
//
// # The table
//
// One segment, the [Table], belongs to the whole tree. The root makes it and every process maps it:
//
//	header | 4096 slots, one for each process | objects, in units of 128 bytes
//
// Every word that two processes use is a [Word] or a [Word64], and every reference is an offset. A
// process may die between any two of its atomic operations, so each step of an algorithm here is
// one such operation, and what a process leaves behind between two of them is at worst a leak, or
// something that another process repairs:
//
//   - one word of a slot says which process it belongs to, and in which state it is;
//   - claiming, freeing and reusing an object is one operation each, without a lock;
//   - a process that waits for an object, or owes its waiters a wake-up, first notes it in its slot.
//
// # Who died
//
// An owner word holds the [Tag] of a process: its slot and how often that slot was used before, so
// that a new process never looks like the dead one whose slot it got. [Table.Reap] repairs what a
// dead process has left and frees its slot. The process that has waited for the dead one calls it.
// If it never does, others do: every wait is cut into slices of [Slice], after which the waiter
// checks whether the owner is alive.
//
// # Waiting
//
// At most one goroutine per process and object waits in the kernel. The others queue before it, see
// [Process.TakeTurn].
//
// # Large memory
//
// A [Segment] is memory in the table's file, behind the table; the segment's object says where. A
// [Pool] has the regions for large messages. Such a message says where its bytes are: the receiver
// opens the region through /proc and maps it, without help from the process that made it. [Views]
// are the receiver's side.
package shm
