package proc

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A worker is in the background of its terminal. The system would stop a process there that reads
// from the terminal, for ever, or changes its settings. If the signals are ignored, reading is an
// error (EIO) and changing the settings succeeds. What a worker starts inherits that.
func init() {
	if Marked() {
		signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	}
}

// heedSignals keeps this worker alive as long as its driver wants: the signals by which a terminal,
// or a service manager, ends a program are for the driver, which then ends its workers.
func heedSignals() {
	// A task that prints just after the driver has gone would die of SIGPIPE, and leave behind what
	// it has started.
	received(syscall.SIGPIPE, syscall.SIGINT)
	ended := received(syscall.SIGTERM, syscall.SIGHUP) // SIGHUP comes to a stopped worker without driver
	go func() {
		<-ended
		awaitNoWriter(requestsFD)
		KillOwnGroup()
	}()
}

// received receives signals, so that they do not end this process; children get the default
// behaviour. A signal that was ignored when this process started, as under nohup, stays ignored.
func received(signals ...os.Signal) <-chan os.Signal {
	c := make(chan os.Signal, 1)
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
	return c
}

// awaitNoWriter returns when no process has the other end of a pipe open any more: the driver has
// closed it, or has ended. A killed driver ends one thread after the other, so it may seem to live
// when the first signal comes.
func awaitNoWriter(fd int32) {
	pipe := []unix.PollFd{{Fd: fd}} // no events: a hang-up is always reported
	for {
		if n, err := unix.Poll(pipe, -1); n > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}
