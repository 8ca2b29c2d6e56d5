// Package manager keeps objects in a server process and lets other processes use them through typed proxies: dicts, lists,
// queues, locks, pools of workers and whatever else a program registers. A proxy travels as an argument of a task, or as a
// value of another object, and means the same object there.
//
// [Start] runs the server in a process of its own; [Serve] runs it in this one. Locally it is reached through a Unix socket;
// on Linux that is in no file system, and calls go through memory that both sides have mapped. From other machines it is
// reached by package remote.
//
// Package shared has the faster forms of most of this for the processes of one tree on one machine. Every call here
// is a message to the server and its answer; calls of many goroutines on one connection are under way together.
//
// # What a lost connection does
//
// What a client held when its connection ended, because it was killed or cut off, is let go: locks go to the next one
// with [shared.ErrOwnerDied], permits come back, barriers break; what it had pools compute is cancelled. When the server
// ends, every call under way and every later one returns an error that wraps [ErrLost].
package manager
