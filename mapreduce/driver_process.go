package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/mapreduce/internal/schedule"
)

// A child is a [Process] without its types: the link of a worker that needs no scheduler, since it
// has one item and one attempt. Its run goroutine handles the link's events.
type child struct {
	name   string
	daemon bool
	link   *link
	call   *call
	heeds  bool          // the task takes a context
	asked  chan struct{} // holds a token when it is to be terminated

	signalled atomic.Bool // this process sent it a signal

	done   chan struct{} // closed after its last word, or when it was reaped; guards err
	err    error
	reaped chan struct{} // closed when it was reaped; guards exit
	exit   Exit

	// used by the run goroutine only:
	failure  func() error // returns the error of a task that answered
	timer    *time.Timer  // for the timeout, or for the next step
	time     itemTime
	steps    int // steps taken to end it
	ready    bool
	answered bool
	reported bool  // its failure was reported
	cutOff   error // the error if it took too long to end after its answer
}

var lastChild atomic.Int64

// newChild starts the process. The caller must call run.
func newChild(ctx context.Context, c *call, heeds bool, o *processOptions) (*child, error) {
	l, err := startChildLink(ctx, o)
	if err != nil {
		l.release()
		return nil, err
	}
	c.keep()
	c.deadline, _ = ctx.Deadline()
	c.options.logLevel = l.host.lowestLevel()
	if err := l.send(c, schedule.Span{End: 1}, 1, nil); err != nil { // not written before the process's hello
		c.cargo.Release()
		l.process.Kill()
		l.process.Stop(0)
		l.release()
		return nil, err
	}
	ch := &child{
		name: l.name, daemon: o.daemon, link: l, call: c, heeds: heeds,
		asked: make(chan struct{}, 1), done: make(chan struct{}), reaped: make(chan struct{}), timer: time.NewTimer(time.Hour),
	}
	ch.timer.Stop()
	living.add(ch)
	return ch, nil
}

// startChildLink returns the link of a process that was started ahead, or starts one.
func startChildLink(ctx context.Context, o *processOptions) (*link, error) {
	if o.spares != noSpares && !o.inProcess {
		if l := spareProcesses.take(&o.poolOptions); l != nil {
			l.assign(ctx, o.poolOptions, o.name)
			return l, nil
		}
	}
	l := newChildLink(ctx, o.poolOptions, o.name)
	return l, l.start()
}

// newChildLink makes the link of a [Process].
func newChildLink(ctx context.Context, o poolOptions, name string) *link {
	id := int(lastChild.Add(1))
	l := newLink(newProcessHost(ctx, o), nil, id, 0, false)
	l.name, l.tell = childName(name, id), l.tellAndStop
	if o.pin {
		l.pin = 1 + takeProcessor()
	}
	return l
}

func childName(name string, id int) string { return cmp.Or(name, fmt.Sprintf("Process-%d", id)) }

// run handles the process from its start to its end.
func (c *child) run(ctx context.Context) {
	go c.link.live()
	ended, asked := ctx.Done(), c.asked
	for over := false; !over; {
		if !c.Alive() {
			ended, asked = nil, nil
		}
		select {
		case <-c.link.host.inbox.ready():
			over = c.handleAll()
		case <-ended:
			ended = nil
			if over = c.handleAll(); over { // a task that has begun gets time to return
				break
			}
			cause := context.Cause(ctx)
			if !c.answered {
				c.err = cause
			}
			c.terminate(cause)
		case <-asked:
			if over = c.handleAll(); over {
				break
			}
			c.terminate(errEnded)
		case <-c.timer.C:
			switch {
			case !c.Alive():
				c.link.process.Kill()
			case c.steps > 0:
				c.step()
			case c.answered:
				c.cutOff = c.link.cutOff(c.link.host.options.exitTime)
				c.terminate(c.cutOff)
			default:
				c.look()
			}
		}
	}
	<-c.link.over
	c.timer.Stop()
	c.link.release()
	if !c.answered {
		c.call.cargo.Orphan()
	}
	c.call.cargo.Release()
	c.link.host.options.cargo.Release()
	c.conclude()
	c.report(c.err)
	c.link.logs.drain()
	living.remove(c)
	if c.Alive() {
		close(c.done)
	}
	close(c.reaped)
}

// handleAll handles the events that wait. It returns true after the last one of all.
func (c *child) handleAll() (over bool) {
	for _, e := range c.link.host.inbox.take(nil) {
		over = c.handle(&e) || over
	}
	return over
}

// handle handles an event of the link. It returns true at the last one.
func (c *child) handle(e *event) (over bool) {
	switch e.kind {
	case evReady:
		if c.steps > 0 {
			break
		}
		c.ready = true
		c.link.kick()
		if limit := c.call.options.timeout; limit > 0 {
			c.time = newItemTime(c.link, time.Now())
			c.timer.Reset(lookTick(limit))
		}
	case evAnswer:
		c.answered = true
		c.fail(e.err)
		c.report(cmp.Or(e.err, c.failure()))
		if c.steps > 0 {
			break
		}
		c.timer.Stop()
		if limit := c.link.host.options.exitTime; limit > 0 {
			c.timer.Reset(limit)
		}
	case evDone:
		c.settle()
	case evLost:
		// A signal may be why there was no hello; so may the end of the context, whose cause counts
		// then.
		if e.err != nil && !(c.signalled.Load() && errors.Is(e.err, ErrNoHello)) {
			c.fail(context.Cause(c.link.host.ctx))
			c.fail(e.err)
		}
		return true
	}
	return false
}

// look ends the process if it has used up its timeout.
func (c *child) look() {
	limit := c.call.options.timeout
	c.time.look(c.link, time.Now(), lookTick(limit))
	if c.link.overdue(&c.time, c.link.lastTag, 0, limit) {
		c.link.setReason(fmt.Errorf("%w of %v", ErrTimeout, limit))
		c.link.process.Kill()
		return
	}
	c.link.kick()
	c.timer.Reset(lookTick(limit))
}

// fail sets the error, unless there is one.
func (c *child) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// conclude sets the exit of a process that was reaped, and its error unless that is known.
func (c *child) conclude() {
	exit := c.link.process.Exit()
	c.exit = newExit(exit)
	if c.answered {
		if c.Alive() {
			c.fail(c.failure())
			c.fail(c.cutOff)
		}
		if c.err != nil && c.exit.Code == 0 {
			c.exit.Code = 1
		}
		return
	}
	reason := c.link.reason
	if reason == nil && outOfMemory(exit, c.link.host.options.memory) {
		reason = ErrMemoryLimit
	}
	c.fail(&ExitError{Name: c.name, PID: c.PID(), Exit: c.exit, reason: reason})
}

func (c *child) signal(s syscall.Signal, group bool) error {
	if !c.Alive() {
		return os.ErrProcessDone
	}
	c.signalled.Store(true)
	return c.link.process.Signal(s, group)
}

// terminate takes the first step to end the process. cause is what the task's context gets.
func (c *child) terminate(cause error) {
	if c.steps == 0 {
		c.call.cause = cause
		c.link.setReason(errEnded)
		c.step()
	}
}

// errEnded is the reason of the end of a process that was terminated.
var errEnded = errors.New("it was terminated")

// step takes the next, harder step to end the process.
func (c *child) step() {
	c.steps++
	switch {
	case c.steps == 1 && c.heeds && c.ready && !c.answered:
		c.link.cancelCall(c.call)
		c.link.kick()
		c.timer.Reset(KillGrace)
	case c.steps <= 2:
		c.steps = 2
		_ = c.signal(syscall.SIGTERM, false) // an error means that it has ended
		c.timer.Reset(proc.TermTime)
	default:
		c.link.process.Kill()
	}
}
