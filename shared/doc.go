// Package shared lets the processes of a tree share memory and wait for each other. What it makes is sent to other processes
// like any value, as a field of a task's arguments, and means the same thing there.
//
// A process that is killed, at any instruction, leaves all of it usable: see [Lock] and [ErrOwnerDied]. It needs Linux;
// elsewhere everything returns [ErrUnsupported].
package shared
