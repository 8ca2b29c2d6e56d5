// Package manager keeps objects in a server process and lets other processes use them through typed
// proxies: dicts, lists, queues, locks, pools of workers and any other type that a program
// registers. A proxy travels as an argument of a task or as a value in another object, and refers
// to the same object wherever it arrives.
//
// [Start] runs the server in a process of its own; [Serve] runs it in this one. On the same
// machine, clients reach it through a Unix socket; on Linux the socket is in no file system, and
// calls go through memory that both sides have mapped. Clients on other machines reach it by
// package remote.
//
// Package shared has faster forms of most of these objects, for the processes of one tree on one
// machine. Here every call is a message to the server and its answer; the calls of many goroutines
// share one connection and are under way at the same time.
//
// A value in an object may contain a lock, an array or another object of package shared. The server
// keeps that object as long as it keeps the value, even after the object's maker has ended.
package manager
