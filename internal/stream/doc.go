// Package stream moves bytes between two processes through memory that both have mapped.
//
// A [Stream] is one end of two lanes, one each way: rings of bytes of which one process moves the tail and the other the head.
// Nothing of that is a system call. A process that finds its lane empty, or full, looks on for about as long as a wake-up
// takes. Only then it sleeps, in a read of the [Bell], a pair of files that the two processes also have between them; and only
// who knows that the other one sleeps writes there. The bell is what tells that the other process is gone, too, as the system
// closes its files however it ended: what it had put into its lane before can still be read.
package stream
