package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// DefaultExitTimeout is how long the workers of a pool may take to end unless [ExitTimeout] says
// otherwise.
const DefaultExitTimeout = time.Minute

// ExitTimeout sets how long a worker may take to end in good order: at [Pool.Close], or when it is
// replaced or surplus. In that time the processes that its tasks started end, then its programs of
// a [Command], whose input is closed, and then the exit functions of its states run. What has not
// ended in time is killed, and Close returns an error that says what it was, in which [errors.Is]
// finds [ErrTimeout]. The end of the pool's context, and [Pool.Terminate], cut it short at once.
//
// The default is [DefaultExitTimeout] for a pool. For a process that [Task.Start] starts, the
// default is no limit, and [Process.Wait] returns the error. 0 means no limit.
func ExitTimeout(d time.Duration) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if d < 0 {
			return fmt.Errorf("mapreduce: ExitTimeout(%v): must be positive, or 0 for no limit", d)
		}
		o.exitTime = d
		if d == 0 {
			o.exitTime = -1
		}
		return nil
	})
}

// exitLimit returns how long a worker of a pool may take to end; 0: no limit.
func (o *poolOptions) exitLimit() time.Duration {
	return max(cmp.Or(o.exitTime, DefaultExitTimeout), 0)
}

// An ending says how to end a worker.
type ending int

const (
	endNow  ending = iota // kill it
	endIdle               // in good order
	endBusy               // in good order, after up to KillGrace for chunks that no caller awaits
)

// stop ends the worker and waits for it. The error says which part of its orderly end was cut off.
func (l *link) stop(how ending) (cutOff error) {
	l.mu.Lock()
	l.stopped = true
	process, greeted := l.process, l.greeted
	l.mu.Unlock()
	l.toldAt = time.Now()
	if process != nil {
		switch {
		case !greeted:
			process.Kill() // it has not done anything yet
		case how != endNow:
			cutOff = l.letEnd(how)
		}
		process.Stop(0)
	}
	<-l.over
	l.exitTime = time.Since(l.toldAt)
	l.release()
	return cutOff
}

// letEnd asks the worker to end, and returns when it has ended or its time is over.
func (l *link) letEnd(how ending) (cutOff error) {
	process, limit := l.process, l.host.options.exitLimit()
	_ = process.Signal(syscall.SIGCONT, false) // a stopped process could not end
	if limit > 0 {
		// It may not read what it is told.
		late := time.AfterFunc(limit, process.CloseRequests)
		defer late.Stop()
	}
	_, _ = l.requests.Add(proc.KindStop, 0, nil)
	if l.requests.Flush() != nil {
		return nil // it ended, or does not read
	}
	if how == endBusy && !l.await(l.leaving, KillGrace) {
		return nil
	}
	if l.await(process.Ended(), limit) || l.host.life.Err() != nil {
		return nil
	}
	return l.cutOff(limit)
}

// await waits for the event, at most for limit (0: no limit) and while the pool lives. It reports
// whether the event came.
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

// cutOff returns the error about a worker that took too long to end.
func (l *link) cutOff(limit time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	who := fmt.Sprintf("worker %d", l.id)
	if l.name != "" {
		who = "process " + l.name
	}
	return &cutOffError{fmt.Sprintf("mapreduce: %s (pid %d) was killed because it had not ended %v after it was told to: it was "+
		"still busy with %s; see ExitTimeout", who, l.process.PID(), limit, cmp.Or(l.leavingWith, "its work"))}
}

// A cutOffError is an [ErrTimeout] that concerns no item.
type cutOffError struct{ text string }

func (e *cutOffError) Error() string        { return e.text }
func (e *cutOffError) Is(target error) bool { return target == ErrTimeout }

// isLeaving records what the worker does as its last work, as it has told.
func (l *link) isLeaving(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leavingWith == "" {
		close(l.leaving)
	}
	l.leavingWith = what
}

// end ends a worker that no longer has a place, in a new goroutine.
func (s *supervisor) end(l *link, place int) {
	s.leaving[l] = true
	s.ending.Go(func() {
		s.noteCutOff(l.stop(endIdle))
		s.inbox.put(event{kind: evLeft, link: l, n: place})
	})
}

func (s *supervisor) noteCutOff(err error) {
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cutOff = append(s.cutOff, err)
	}
}

// endingOf returns how a worker ends when the pool ends for this cause.
func (s *supervisor) endingOf(place int, cause error) ending {
	switch {
	case cause != ErrClosed:
		return endNow
	case s.scheduler.Idle(place):
		return endIdle
	}
	return endBusy
}

// lifeCause returns why the pool's context ended; nil if it did not, or if Terminate ended it.
func lifeCause(life context.Context) error {
	if cause := context.Cause(life); cause != nil && cause != errTerminated {
		return cause
	}
	return nil
}

// shutDown ends all calls and workers, and waits for the workers.
func (s *supervisor) shutDown() {
	cause := context.Cause(s.ctx)
	if cause != ErrClosed && cause != errTerminated { // an initializer may have failed with an ErrClosed
		s.err = cause
	}
	if !s.broken {
		s.numbers = s.current()
	}
	close(s.final)
	s.mu.Lock()
	s.ended = cause // no call may come in after the last look at the inbox
	s.mu.Unlock()
	for _, e := range s.inbox.take(nil) {
		if e.call != nil {
			e.call.end(cause)
		}
	}
	for _, c := range s.calls {
		c.end(cause)
	}
	var stopping sync.WaitGroup
	for place, l := range s.links {
		if l == nil {
			continue
		}
		how := s.endingOf(place, cause)
		stopping.Go(func() { s.noteCutOff(l.stop(how)) })
	}
	for _, l := range s.spares {
		how := endNow
		if cause == ErrClosed {
			how = endIdle
		}
		stopping.Go(func() { s.noteCutOff(l.stop(how)) })
	}
	stopping.Wait()
	s.ending.Wait()
	s.allEnded()
	s.unpin()
	s.reports.end()
	if s.err == nil {
		s.err = errors.Join(append(s.cutOff, lifeCause(s.life))...)
	}
	s.cancel(ErrClosed)
}
