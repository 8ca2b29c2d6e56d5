// Package stream moves bytes between two processes through memory that both have mapped.
//
// A [Stream] is one end of two lanes, one each way. A lane is a ring of bytes; one process moves
// its tail and the other its head, without a system call. A process that finds its lane empty, or
// full, spins for about as long as a wake-up takes. Only then does it sleep, in a read of the
// [Bell], a pair of files that connects the two processes; and a process writes there only if it
// knows that the other one sleeps. The bell also tells that the other process is gone, since the
// system closes its files however it ended. What that process had put into its lane can still be
// read.
package stream
