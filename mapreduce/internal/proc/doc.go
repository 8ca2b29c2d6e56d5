// Package proc runs worker processes: the program itself, started again, with two pipes to its
// driver. Where there is shared memory, requests and answers go through rings in it, and the pipes
// only wake a sleeping reader and tell that the other side is gone.
//
// The driver's side is [Start] and [Process]; the worker's side is [Enter] and [Worker]. Between
// them:
//
//	driver                                   worker
//	Start: fork, exec of this program   →    Enter: finds the variable, checks the descriptor
//	Process.Hello                       ←    Worker.Hello: version, fingerprint, names of its tasks
//	Process.Requests (write)            →    Worker.Requests (read)
//	Process.Answers (read)              ←    Worker.Answers (write)
//	Process.Stop: a KindStop frame, end of file
//
// # Lifetime
//
// A worker leads a process group of its own, so that Ctrl-C reaches only the driver, and so that
// the processes that a task starts can be found and ended with the worker. No worker outlives its
// driver. A worker sends SIGKILL to its whole group when its requests end without a KindStop. It
// does so on SIGTERM too, if the driver has closed the requests or is gone; the kernel sends
// SIGTERM when the driver's starter thread dies, and [Process.Stop] when the worker does not end by
// itself. While the driver lives and has the requests open, SIGTERM, SIGHUP and SIGINT do nothing:
// one that is sent to all processes of a program is meant for the driver. When a worker ends, the
// driver kills what is left of the group before it reaps the leader: until then no other process
// can get that number.
package proc
