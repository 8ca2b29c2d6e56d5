package shared

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mrrun/internal/shm"
)

// ErrExists is wrapped by the error of [Create] when the name is in use.
var ErrExists = errors.New("the name is in use")

// Create makes an array of n elements that any process of the tree can [Attach] by its name, of 1
// to 64 bytes. The name is in use until this process closes the array or ends; then a process may
// create it again. When several processes create the same name, the first succeeds; for the others
// the error wraps [ErrExists], and they can attach the array. Create blocks while another process
// is in Create.
func Create[T any](name string, n int) (*Array[T], error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return create[T](p, name, n)
}

func create[T any](p *shm.Process, name string, n int) (*Array[T], error) {
	if name == "" || len(name) > shm.TextSize || strings.Contains(name, "\x00") {
		return nil, fmt.Errorf("create the array %q: want a name of 1 to %d bytes without a zero byte", name, shm.TextSize)
	}
	l, err := lockNames(p)
	if err != nil {
		return nil, fmt.Errorf("create the array %q: %w", name, err)
	}
	defer l.Unlock()
	m, found, left := find(p, name)
	if found {
		return nil, fmt.Errorf("create the array %q: %w: it is an Array[%s] of process %d: attach it, or choose another name",
			name, ErrExists, m.arrayTexts().element.String(), p.Table().PID(m.o.Creator()))
	}
	for _, o := range left {
		o.Hot(arrayNamed).Store(0)
	}
	a, err := newArray[T](p, n)
	if err != nil {
		return nil, err
	}
	a.arrayTexts().name.Set(name)
	a.o.Hot(arrayNamed).Store(1)
	return a, nil
}

// lockNames takes the lock under which names are given. The first process that needs the lock makes
// it. The death of a holder does no harm, because a single store puts a name in use.
func lockNames(p *shm.Process) (*Lock, error) {
	at := p.Table().Names()
	for at.Load() == 0 {
		l, err := newLock(p)
		if err != nil {
			return nil, err
		}
		l.o.Depart() // so it belongs to the tree and is never freed
		if !at.CompareAndSwap(0, uint64(l.o.Ref())) {
			_ = l.Close()
		}
	}
	o, err := p.Table().OpenRef(shm.Ref(at.Load()), kindLock)
	if err != nil {
		return nil, err
	}
	l := member{p, o}.lock()
	err = l.Lock(context.Background())
	if errors.Is(err, ErrOwnerDied) {
		l.MarkConsistent()
		err = nil
	}
	return l, err
}

// find looks for the array with a name. It does not count those that dead processes have left under
// the name, and returns them in left.
func find(p *shm.Process, name string) (m member, found bool, left []shm.Object) {
	for o := range p.Table().Objects(kindArray) {
		m := member{p, o}
		if o.Hot(arrayNamed).Load() == 0 || m.arrayTexts().name.String() != name || !o.Valid() {
			continue
		}
		if by := o.Creator(); !p.Table().Ended(by) && !p.ReapIfDead(by) {
			return m, true, nil
		}
		left = append(left, o)
	}
	return member{}, false, left
}

// Attach returns the array that a process of the tree has made by [Create]. The caller closes it
// when it is no longer needed. The error wraps [ErrGone] if there is none, or the process that made
// it has ended. An array of another type is an error.
func Attach[T any](name string) (*Array[T], error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return attachNamed[T](p, name)
}

func attachNamed[T any](p *shm.Process, name string) (*Array[T], error) {
	m, found, left := find(p, name)
	var err error
	switch {
	case found:
		var a *Array[T]
		if !m.o.Depart() { // so that no process frees it meanwhile
			err = ErrGone
			break
		}
		a, err = attach[T](m, foundByName)
		m.o.Arrived()
		if err == nil {
			return a, nil
		}
	case left != nil:
		err = fmt.Errorf("%w: the process that made it has ended: create it again", ErrGone)
	default:
		err = fmt.Errorf("%w: create it first, in a process that runs as long as the array is needed", ErrGone)
	}
	return nil, fmt.Errorf("attach the array %q: %w", name, err)
}
