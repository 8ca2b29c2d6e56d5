package manager

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mrrun/shared"
	"mrrun/transport"
)

type barrierObject struct {
	mu      sync.Mutex
	parties int
	broken  bool
	members map[*session]struct{} // the sessions that have waited since it was made or last reset
	line    line
}

func newBarrierObject(_ *session, args *transport.Decoder) (object, error) {
	parties, err := args.Uint()
	if err != nil {
		return nil, err
	}
	if parties < 1 || parties > 65535 {
		return nil, fmt.Errorf("%w: a barrier for %d parties", ErrType, parties)
	}
	return &barrierObject{parties: int(parties), members: make(map[*session]struct{})}, nil
}

func (o *barrierObject) leave(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, member := o.members[s]; member {
		delete(o.members, s)
		o.breakUp()
	}
}

func (o *barrierObject) breakUp() {
	o.broken = true
	o.line.all(shared.ErrBroken)
}

var barrierOps = ops[*barrierObject]{
	{opAbort, (*barrierObject).abort},
	{opReset, (*barrierObject).reset},
	{opWaiting, (*barrierObject).waiting},
	{opBroken, (*barrierObject).isBroken},
	{opWait, (*barrierObject).wait},
}

func (o *barrierObject) call(r *request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return barrierOps.run(o, r, "barrier")
}

func (o *barrierObject) abort(*request) error {
	o.breakUp()
	return nil
}

func (o *barrierObject) reset(*request) error {
	o.line.all(shared.ErrBroken)
	o.broken = false
	clear(o.members)
	return nil
}

func (o *barrierObject) waiting(r *request) error {
	r.out.Uint(uint64(o.line.len()))
	return nil
}

func (o *barrierObject) isBroken(r *request) error { return r.flag(o.broken) }

func (o *barrierObject) wait(r *request) error {
	if o.broken {
		return shared.ErrBroken
	}
	o.members[r.s] = struct{}{}
	place := o.line.len()
	if place == o.parties-1 {
		o.line.all(nil)
		r.out.Uint(uint64(place))
		return nil
	}
	t := o.line.join(r.s)
	return r.later(func(ctx context.Context) ([]byte, error) {
		err := t.wait(ctx, &o.mu, &o.line)
		if errors.Is(err, context.Canceled) {
			o.mu.Lock()
			o.breakUp()
			o.mu.Unlock()
			return nil, errBrokenByCaller
		}
		return encodeUint(place), err
	})
}

// errBrokenByCaller is the error of the call whose cancelled ctx has broken the barrier.
var errBrokenByCaller = fmt.Errorf("%w: this caller no longer waits", shared.ErrBroken)
