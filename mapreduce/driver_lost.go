package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A loss is a worker that died, and what it was doing.
type loss struct {
	link *link
	call *call // nil: it ran no item
	item int
}

// workerLost blames, and replaces.
func (p *Pool) workerLost(l *link, err error) {
	if l.spare {
		p.spareLost(l, err)
		return
	}
	if p.links[l.slot] != l {
		return // it was replaced, or is not wanted any more
	}
	if !l.ready {
		if p.startFailed(l.slot, err) {
			p.reports.add("mapreduce: a worker did not start", slog.Int("worker", l.id), slog.Any("error", err))
		}
		return
	}
	loss := &loss{link: l}
	if loss.call, loss.item = l.running(); loss.call == nil {
		loss.call, loss.item = l.suspect()
	}
	if l.missed(loss.call, loss.item) {
		loss.call = nil // who has begun meanwhile is not to blame
	}
	p.numbers.Lost++
	loss.report(&p.reports)
	if loss.call == nil {
		p.scheduler.lost(l.slot, nil, 0, false)
	} else {
		p.scheduler.lost(l.slot, &loss.call.state, loss.item, l.final())
	}
	p.loss = loss
	p.act()
	p.loss = nil
	if loss.call == nil && l.reason == nil {
		if err := p.diedOf(l.lostError(-1, 0), time.Now()); err != nil {
			p.cancel(err)
			return
		}
	}
	switch {
	case l.slot >= p.wanted || p.released:
		p.put(l.slot, nil)
	case loss.call == nil && !l.answers, l.noThread():
		p.startFailed(l.slot, l.lostError(-1, 0))
	default:
		p.fill(l.slot)
	}
}

// startFailed tries again after a pause, unless it was so from the beginning or too often: that is the end of the pool, and
// its error. It reports whether it tries again.
func (p *Pool) startFailed(slot int, err error) (again bool) {
	p.failures++
	if !p.isUp() || p.failures >= maxFailures || errors.Is(err, ErrInitializer) {
		p.cancel(err)
		return false
	}
	p.put(slot, nil) // so that a resize or a wake-up before the pause is over sees that it is empty
	time.AfterFunc(pause(restartPause, p.failures), func() { p.inbox.put(event{kind: evFill, n: slot}) })
	return true
}

func (p *Pool) isUp() bool {
	select {
	case <-p.up:
		return true
	default:
		return false
	}
}

// spareLost: a spare that ended is not replaced before a slot needs one, so that nothing is started over and over.
func (p *Pool) spareLost(l *link, err error) {
	for i := range p.spares {
		if p.spares[i] == l {
			p.spares = append(p.spares[:i], p.spares[i+1:]...)
			break
		}
	}
	if errors.Is(err, ErrInitializer) {
		p.cancel(err)
		return
	}
	p.reports.add("mapreduce: a spare worker was lost", l.attrs()...)
}

// failure is the error of an item that was given up.
func (l *loss) failure(item, attempts int) *TaskError {
	lost := l.link.lostError(item, attempts)
	f := &TaskError{Index: item, Msg: lost.Error(), is: []error{lost}}
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

// report logs that a worker was lost, but for one that was killed for its item's sake: that item tells.
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

// lostError describes the end of this link's worker, which ran that item, or -1.
func (l *link) lostError(item, attempts int) *WorkerLostError {
	exit := l.process.Exit()
	return &WorkerLostError{
		Index: item, Attempts: attempts, Worker: l.id, PID: l.process.PID(),
		Signal: exit.Signal, ExitCode: exit.Code, MaxRSS: exit.MaxRSS, Stderr: exit.Stderr,
		OOM: outOfMemory(exit, l.host.options.memory),
	}
}

// final reports whether it would be no use to try the item again that this lost worker ran: its own limit has ended it.
func (l *link) final() bool {
	return errors.Is(l.reason, ErrTimeout) || l.lostError(0, 0).OOM
}

// missed reports whether the worker was killed for one item, and was running another when it died.
func (l *link) missed(c *call, item int) bool {
	return l.victim != nil && (c != l.victim || item != l.victimItem)
}

// suspect returns the first item that a worker that sent garbage has not answered; nil if there is none. It may be
// innocent; then the others are sent again without it, and the next suspect is another one.
func (l *link) suspect() (c *call, item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 || !errors.Is(l.reason, errNoAnswer) {
		return nil, 0
	}
	return l.sent[0].call, l.sent[0].span.first
}

// errNoAnswer is why a worker is given up that sends garbage.
var errNoAnswer = errors.New("it sent what is no answer")
