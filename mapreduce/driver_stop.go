package mapreduce

import (
	"cmp"
	"context"
	"fmt"
	"syscall"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// DefaultExitTimeout is how long the workers of a pool may take to end unless [ExitTimeout] says otherwise.
const DefaultExitTimeout = time.Minute

// ExitTimeout sets how long a worker may take to end in good order: at [Pool.Close], or when it is replaced or too many. In
// that time the processes that its tasks have started end, then its programs of a [Command], whose input has ended, and then
// the exit functions of its states run. What is not done then is killed, and Close returns an error that says what that was,
// in which [errors.Is] finds [ErrTimeout]. The end of the pool's context, and [Pool.Terminate], cut it off at once.
//
// The default is [DefaultExitTimeout] for a pool. For a process that [Task.Start] starts, where [Process.Wait] returns the
// error, it is any time, as for 0.
func ExitTimeout(d time.Duration) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if d < 0 {
			return fmt.Errorf("mapreduce: ExitTimeout(%v): takes a positive duration, or 0 for any time", d)
		}
		o.exitTime = d
		if d == 0 {
			o.exitTime = -1
		}
		return nil
	})
}

// exitLimit is how long a worker of a pool may take to end, 0 for any time.
func (o *poolOptions) exitLimit() time.Duration {
	return max(cmp.Or(o.exitTime, DefaultExitTimeout), 0)
}

// An ending is how a worker is ended.
type ending int

const (
	endNow  ending = iota // it is killed
	endIdle               // in good order
	endBusy               // likewise, once it is done with what nobody waits for any more, for which it gets KillGrace
)

// stop ends the worker and waits for it. The error says what of its good order was cut off.
func (l *link) stop(how ending) (cutOff error) {
	l.mu.Lock()
	l.stopped = true
	process, greeted := l.process, l.greeted
	l.mu.Unlock()
	if process != nil {
		switch {
		case !greeted:
			process.Kill() // it has done nothing yet
		case how != endNow:
			cutOff = l.letEnd(how)
		}
		process.Stop(0)
	}
	<-l.over
	l.release()
	return cutOff
}

// letEnd asks the worker to end, and returns when it has, or may take no longer.
func (l *link) letEnd(how ending) (cutOff error) {
	process, limit := l.process, l.host.options.exitLimit()
	_ = process.Signal(syscall.SIGCONT, false) // one that is stopped could not end
	if limit > 0 {
		_ = process.Requests.SetWriteDeadline(time.Now().Add(limit))
	}
	_, _ = l.requests.Add(proc.KindStop, 0, nil)
	if l.requests.Flush() != nil {
		return nil // it has ended, or does not read
	}
	if how == endBusy && !l.await(l.leaving, KillGrace) {
		return nil
	}
	if l.await(process.Ended(), limit) || l.host.life.Err() != nil {
		return nil
	}
	return l.cutOff(limit)
}

// await waits for the event: for the limit at most, 0 is none, and only as long as the pool lives.
func (l *link) await(event <-chan struct{}, limit time.Duration) bool {
	var late <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-event:
		return true
	case <-late:
	case <-l.host.life.Done():
	}
	return false
}

// cutOff is the error about a worker that took too long to end.
func (l *link) cutOff(limit time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	who := fmt.Sprintf("worker %d", l.id)
	if l.name != "" {
		who = "process " + l.name
	}
	return &cutOffError{fmt.Sprintf("mapreduce: %s (pid %d) was killed since it had not ended %v after it was told to: it had not come "+
		"to the end of %s; see ExitTimeout", who, l.process.PID(), limit, cmp.Or(l.leavingWith, "its work"))}
}

// A cutOffError is an [ErrTimeout] that is about no item.
type cutOffError struct{ text string }

func (e *cutOffError) Error() string        { return e.text }
func (e *cutOffError) Is(target error) bool { return target == ErrTimeout }

// isLeaving notes what the worker does last: it has said so.
func (l *link) isLeaving(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leavingWith == "" {
		close(l.leaving)
	}
	l.leavingWith = what
}

// end has a worker ended that has no slot any more.
func (p *Pool) end(l *link, slot int) {
	p.leaving++
	p.ending.Go(func() {
		p.noteCutOff(l.stop(endIdle))
		p.inbox.put(event{kind: evLeft, n: slot})
	})
}

func (p *Pool) noteCutOff(err error) {
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cutOff = append(p.cutOff, err)
	}
}

// endingOf is how a worker ends when the pool does, for this cause.
func (p *Pool) endingOf(slot int, cause error) ending {
	switch {
	case cause != ErrClosed:
		return endNow
	case p.scheduler.idle(slot):
		return endIdle
	}
	return endBusy
}

// lifeCause is why the pool's context ended, nil if it did not or nobody but Terminate wanted it.
func lifeCause(life context.Context) error {
	if cause := context.Cause(life); cause != nil && cause != errTerminated {
		return cause
	}
	return nil
}
