// Package shared provides memory and synchronization primitives that the processes of a tree share.
// Its objects are sent to other processes like any value, for example as a field of a task's
// arguments, and are the same objects there.
//
// A process that is killed, at any instruction, leaves all of them usable: see [Lock] and
// [ErrOwnerDied]. The package needs Linux; on other systems everything returns [ErrUnsupported].
package shared
