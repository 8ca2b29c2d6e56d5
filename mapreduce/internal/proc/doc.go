// Package proc runs worker processes: the program itself, started again, with two pipes to its driver.
//
// The driver's side is [Start] and [Process]; the worker's side is [Enter] and [Worker]. Between them:
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
// A worker leads a process group of its own, so that Ctrl-C reaches the driver alone, and so that what a task starts can
// be found and ended with it. No worker outlives its driver: end of file on the requests without a KindStop before it makes
// it SIGKILL its whole group, and so does SIGTERM once the driver has closed them or is gone (the kernel sends it when the
// driver's starter thread dies, [Process.Stop] to a worker that does not end by itself). While the driver lives and has
// them open, SIGTERM, SIGHUP and SIGINT do nothing: whoever sends one to all processes of a program means the driver. When
// a worker ends, the driver kills what is left of the group before it reaps the leader: until then no other process can get
// that number.
package proc
