package proc

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A worker is in the background of its terminal. What reads there would be stopped for ever, as would what changes the
// terminal's settings: ignored, the first of these signals makes it an error (EIO), and the second lets it pass. What a
// worker starts inherits that.
func init() {
	if Marked() {
		signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	}
}

// heedSignals has this worker live as long as its driver wants: the signals by which a terminal, or a service manager, ends
// a program are the driver's to take, which then ends its workers.
func heedSignals() {
	// A task that prints when the driver has just gone would die of SIGPIPE, and leave what it has started.
	received(syscall.SIGPIPE, syscall.SIGINT)
	ended := received(syscall.SIGTERM, syscall.SIGHUP) // the second is the kernel's to a stopped worker whose driver is gone
	go func() {
		<-ended
		awaitNoWriter(requestsFD)
		KillOwnGroup()
	}()
}

// received receives signals, so that they do not end this process, and do as ever what it starts. One that was ignored when
// this process started, as under nohup, stays so.
func received(signals ...os.Signal) <-chan os.Signal {
	c := make(chan os.Signal, 1)
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
	return c
}

// awaitNoWriter returns when nobody has the other end of a pipe open any more: the driver has closed it, or has ended. A
// driver that is killed ends one thread after the other, so it may seem to live when the first signal comes.
func awaitNoWriter(fd int32) {
	pipe := []unix.PollFd{{Fd: fd}} // no events: the end comes unasked
	for {
		if n, err := unix.Poll(pipe, -1); n > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}
