package bench

import (
	"io"

	"mrrun/mapreduce/manager"
	"mrrun/shared"
)

// objects are the shared objects of one run: one of each kind, or as many as its processes need.
// Each side of a pair has an event and a token; the other side hands the token over.
type objects struct {
	Lock    *shared.Lock
	RLock   *shared.RLock
	Plain   *shared.Array[int64] // a number in plain memory
	Number  *shared.Value[int64]
	Event0  *shared.Event // set
	Event1  *shared.Event
	Token0  *shared.Semaphore // 1
	Token1  *shared.Semaphore // 0
	Permits *shared.Semaphore // one for each process
	Barrier *shared.Barrier
	Cond    *shared.Cond // of Lock

	messengers
	manager manager.Conn `msgpack:"-"` // for objects on a manager; nil: there are none
}

// A maker makes objects until one cannot be made, and closes them.
type maker struct {
	made []io.Closer
	err  error
}

func made[T io.Closer](m *maker, f func() (T, error)) (o T) {
	if m.err != nil {
		return o
	}
	o, m.err = f()
	if m.err == nil {
		m.made = append(m.made, o)
	}
	return o
}

func (m *maker) close() {
	for _, o := range m.made {
		_ = o.Close()
	}
}

// newObjects makes all objects in the state in which a run begins.
func newObjects(procs int) (o objects, closeAll func(), err error) {
	m := &maker{}
	permits := func(n int) func() (*shared.Semaphore, error) {
		return func() (*shared.Semaphore, error) { return shared.NewSemaphore(n) }
	}
	o.Lock = made(m, shared.NewLock)
	o.RLock = made(m, shared.NewRLock)
	o.Plain = made(m, func() (*shared.Array[int64], error) { return shared.NewArray[int64](1) })
	o.Number = made(m, func() (*shared.Value[int64], error) { return shared.NewValue[int64](0) })
	o.Event0 = made(m, shared.NewEvent)
	o.Event1 = made(m, shared.NewEvent)
	o.Token0 = made(m, permits(1))
	o.Token1 = made(m, permits(0))
	o.Permits = made(m, permits(procs))
	o.Barrier = made(m, func() (*shared.Barrier, error) { return shared.NewBarrier(procs) })
	o.Cond = made(m, func() (*shared.Cond, error) { return shared.NewCond(o.Lock) })
	if m.err != nil {
		m.close()
		return objects{}, nil, m.err
	}
	o.Event0.Set()
	return o, m.close, nil
}
