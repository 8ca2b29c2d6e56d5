package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mrrun/transport"
)

const (
	// maxFailures is how many workers in a row may end without having answered anything before the
	// pool gives up, since later workers would do the same.
	maxFailures = 10
	// restartPause is the pause before a worker is started in place of such a worker; it doubles
	// each time.
	restartPause = 10 * time.Millisecond
)

// A loss says which worker died and what it was doing.
type loss struct {
	link *link
	call *call // nil: it ran no item
	item int
	told bool // the observer knows
}

// workerLost deals with a worker that ended: it blames the item that it ran, and fills its place.
func (s *supervisor) workerLost(l *link, err error) {
	if l.spare {
		s.spareLost(l, err)
		return
	}
	if s.links[l.place] != l {
		return // it was replaced or is no longer wanted
	}
	s.numbers.Times.add(l.times(time.Now(), l.look()))
	if !l.ready {
		s.tellNotStarted(l, err)
		if s.startFailed(l.place, err) {
			s.reports.add("mapreduce: a worker did not start", slog.Int("worker", l.id), slog.Any("error", err))
		}
		return
	}
	loss := &loss{link: l}
	if loss.call, loss.item = l.running(); loss.call == nil {
		loss.call, loss.item = l.suspect()
	}
	if l.missed(loss.call, loss.item) {
		loss.call = nil // the item that began meanwhile is not to blame
	}
	s.numbers.Lost++
	if s.options.observer == nil {
		loss.report(&s.reports)
	}
	if loss.call == nil {
		s.scheduler.Lost(l.place, nil, 0, false)
	} else {
		s.scheduler.Lost(l.place, &loss.call.state, loss.item, l.final())
	}
	s.loss = loss
	s.act()
	loss.tell(s, 0, false)
	s.loss = nil
	if loss.call == nil && l.reason == nil {
		if err := s.diedOf(l.lostError(-1, 0), time.Now()); err != nil {
			s.cancel(err)
			return
		}
	}
	switch {
	case l.place >= s.size() || s.released:
		s.put(l.place, nil)
	case loss.call == nil && !l.answers, l.noThread():
		s.startFailed(l.place, l.lostError(-1, 0))
	default:
		s.fill(l.place)
	}
}

// startFailed starts a worker in the place again after a pause. If no worker ever started, an
// initializer failed, or this happens too often, it ends the pool with err instead. It reports
// whether it tries again.
func (s *supervisor) startFailed(place int, err error) (again bool) {
	s.failures++
	if !s.isUp() || s.failures >= maxFailures || errors.Is(err, ErrInitializer) {
		s.cancel(err)
		return false
	}
	s.put(place, nil) // a resize or a wake-up during the pause must see an empty place
	time.AfterFunc(pause(restartPause, s.failures), func() { s.inbox.put(event{kind: evFill, n: place}) })
	return true
}

func (s *supervisor) isUp() bool {
	select {
	case <-s.up:
		return true
	default:
		return false
	}
}

// spareLost deals with a spare that ended. It is not replaced before a place needs one, so that the
// pool does not start workers over and over.
func (s *supervisor) spareLost(l *link, err error) {
	for i := range s.spares {
		if s.spares[i] == l {
			s.spares = append(s.spares[:i], s.spares[i+1:]...)
			break
		}
	}
	s.tellNotStarted(l, err)
	if errors.Is(err, ErrInitializer) {
		s.cancel(err)
		return
	}
	s.reports.add("mapreduce: a spare worker was lost", l.attrs()...)
}

// failure returns the error of an item that was given up.
func (l *loss) failure(item, attempts int) *TaskError {
	lost := l.link.lostError(item, attempts)
	f := &TaskError{Index: item, Msg: lost.Error(), Stack: l.link.victimStacks, is: []error{lost}}
	switch {
	case l.link.reason != nil:
		f.is = append(f.is, l.link.reason)
		f.Msg = l.link.reason.Error() + ": " + f.Msg
	case lost.OOM:
		f.is = append(f.is, ErrMemoryLimit)
		f.Msg = fmt.Sprintf("%v: %s", ErrMemoryLimit, f.Msg)
	}
	return f
}

// report logs that a worker was lost, except one that was killed because of its item: the item's
// error tells that.
func (l *loss) report(to *reports) {
	if l.link.victim != nil {
		return
	}
	attrs := l.link.attrs()
	if l.call != nil {
		attrs = append(attrs, slog.String("task", l.call.task.name), slog.Int("item", l.item))
	}
	to.add("mapreduce: a worker was lost", attrs...)
}

// lostError describes the end of this link's worker. item is the index of the item that it ran, or
// -1.
func (l *link) lostError(item, attempts int) *WorkerLostError {
	exit := l.process.Exit()
	return &WorkerLostError{
		Index: item, Attempts: attempts, Worker: l.id, PID: l.process.PID(),
		Signal: exit.Signal, ExitCode: exit.Code, MaxRSS: exit.MaxRSS, Stderr: exit.Stderr,
		OOM: outOfMemory(exit, l.host.options.memory), KernelOOM: exit.KernelOOM,
	}
}

// final reports whether it is pointless to try the item of this lost worker again, because the item
// exceeded its own limit.
func (l *link) final() bool {
	return errors.Is(l.reason, ErrTimeout) || l.lostError(0, 0).OOM
}

// missed reports whether the worker was killed because of one item, but was running another when it
// died.
func (l *link) missed(c *call, item int) bool {
	return l.victim != nil && (c != l.victim || item != l.victimItem)
}

// suspect returns the first item that a worker that sent garbage has not answered; a nil call if
// there is none. It may be innocent: then the others are sent again without it, and the next
// suspect is a different item.
func (l *link) suspect() (c *call, item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent.Len() == 0 || !errors.Is(l.reason, errNoAnswer) {
		return nil, 0
	}
	first := l.sent.Items()[0]
	return first.call, first.span.First
}

// errNoAnswer is why the driver gives up a worker that sends garbage.
var errNoAnswer = errors.New("it sent something that is not an answer")

// orphan tells those that wait for an item, such as the parties of a barrier in its argument, that
// it was given up.
func orphan[A any](codec *transport.Codec[A], arg *A) {
	if cargo := codec.Keeping(arg); cargo != nil {
		cargo.Orphan()
		cargo.Release()
	}
}
