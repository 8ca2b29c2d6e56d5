package shared

import (
	"context"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Lock is held by one process at a time, and within that process by one goroutine. When its
// holder is killed, the next process to take it gets it with [ErrOwnerDied]. Use [Lock.Do] with a
// [Repair] to deal with that. It is made by [NewLock] and used by pointer; all methods are safe for
// concurrent use.
//
// A process that has waited for a millisecond goes before those that come later, unless it does not
// take the lock although it is free, as when it is suspended.
type Lock struct {
	member
	word     *shm.Word // waiters(1) | inconsistent(1) | tag of the holder(30)
	starving *shm.Word // tag of a process that has precedence
	deaths   *shm.Word // counts the deaths of holders
	tag      uint32
	trying   *patience // used by TryLock
}

const (
	lockWaiters      = 1 << 31                        // a process may be waiting: Unlock must wake it
	lockInconsistent = 1 << 30                        // a holder has died; repair is due
	lockLost         = lockInconsistent | shm.TagMask // and never will be: not recoverable

	starvingAfter = time.Millisecond

	lockDeaths = 4 // the hot word; a Value has its number in the words before
)

// NewLock makes a lock without a holder.
func NewLock() (*Lock, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newLock(p)
}

func newLock(p *shm.Process) (*Lock, error) {
	m, err := newMember(p, kindLock, 0)
	if err != nil {
		return nil, err
	}
	return m.lock(), nil
}

func (m member) lock() *Lock {
	return &Lock{
		member: m, word: m.o.Hot(0), starving: m.o.Hot(1), deaths: m.o.Hot(lockDeaths), tag: uint32(m.p.Tag()),
		trying: new(patience),
	}
}

// Lock takes the lock; it blocks while another process or goroutine holds it. If ctx ends first,
// Lock returns the cause; it takes a free lock even if ctx has ended. The caller holds the lock
// after nil and after [ErrOwnerDied], but not after any other error. A caller that only returns
// after [ErrOwnerDied] keeps the lock for ever, and all others wait. [Lock.Do] releases the lock in
// each case.
func (l *Lock) Lock(ctx context.Context) error {
	l.check()
	if l.word.CompareAndSwap(0, l.tag) {
		l.p.Acquire(&l.o)
		return nil
	}
	return l.lockSlowly(ctx)
}

func (l *Lock) lockSlowly(ctx context.Context) error {
	if a := l.try(0); a.done {
		return a.err
	}
	if err := l.p.TakeTurn(ctx, l.o); err != nil {
		return err
	}
	defer l.p.PassTurn(l.o)
	var a attempt
	if l.p.Spin(func() bool { a = l.try(0); return a.done }) {
		return a.err
	}
	return l.wait(ctx)
}

// wait waits in the kernel until it has the lock or ctx ends.
func (l *Lock) wait(ctx context.Context) error {
	edge := l.p.Waits(l.o)
	defer edge.Clear()
	began, slice, starving := time.Now(), starvingAfter, false
	for {
		a := l.try(lockWaiters)
		if a.done || ctx.Err() != nil {
			if starving {
				l.starving.CompareAndSwap(l.tag, 0)
				l.starving.WakeAll()
			}
			if a.done {
				return a.err
			}
			if l.word.Load()&shm.TagMask == 0 {
				l.wakeNext() // pass on a wake-up that may have been for this process
			}
			return context.Cause(ctx)
		}
		timedOut := l.sleep(ctx, a, slice)
		l.check()
		if timedOut && slice < shm.Slice {
			slice = shm.Slice
			l.p.Site()
		}
		if !starving && (timedOut || shm.Elapsed(began, starvingAfter)) {
			starving = l.starving.CompareAndSwap(0, l.tag)
		}
	}
}

// sleep waits for a change of what made an attempt fail. If nothing changes for a while, sleep
// checks whether the process that should change it is alive, and no longer gives precedence to a
// starving one that is.
func (l *Lock) sleep(ctx context.Context, a attempt, slice time.Duration) (timedOut bool) {
	on, v, whom := l.starving, a.before, a.before
	if whom == 0 {
		on, v, whom = l.word, a.seen|lockWaiters, a.seen&shm.TagMask
		if v != a.seen && !l.word.CompareAndSwap(a.seen, v) {
			return false
		}
	}
	timedOut = on.WaitContext(ctx, v, slice)
	switch {
	case !timedOut || l.p.ReapIfDead(shm.Tag(whom)) || slice < shm.Slice:
	case a.before != 0:
		l.overtake(a.before)
	default:
		lookForDeadlock(l.p)
	}
	return timedOut
}

// overtake ends the precedence of a starving process that does not take the lock. The process may
// claim it again later.
func (l *Lock) overtake(starving uint32) {
	if l.starving.CompareAndSwap(starving, 0) {
		l.starving.WakeAll()
	}
}

// An attempt is the result of an attempt to take the lock.
type attempt struct {
	done   bool
	err    error
	seen   uint32 // if not done: the word of the lock
	before uint32 // and, if the lock was free, the starving process that has precedence
}

// try takes the lock if it is free, and sets further bits in its word. No process ever sleeps on
// the word of a free lock: a process that gives precedence to a starving one sleeps on the other
// word. So the process that frees the lock wakes all that it must.
func (l *Lock) try(bits uint32) attempt {
	for {
		v := l.word.Load()
		if v&^lockWaiters == lockLost {
			return attempt{done: true, err: ErrNotRecoverable}
		}
		if v&shm.TagMask != 0 {
			return attempt{seen: v}
		}
		if s := l.starving.Load(); s != 0 && s != l.tag {
			return attempt{seen: v, before: s}
		}
		if l.word.CompareAndSwap(v, v|bits|l.tag) {
			l.p.Acquire(&l.o)
			if v&lockInconsistent != 0 {
				return attempt{done: true, err: ErrOwnerDied}
			}
			return attempt{done: true}
		}
	}
}

// TryLock takes the lock if it is free, and reports whether the caller now holds it: err then is
// nil or [ErrOwnerDied]. It does not block. It may notice the death of a holder only some time
// later, if no other process does.
func (l *Lock) TryLock() (bool, error) {
	l.check()
	a := l.try(0)
	if !a.done && (l.p.Look(shm.Tag(a.seen&shm.TagMask)) || l.p.Look(shm.Tag(a.before))) {
		a = l.try(0)
	}
	if !a.done && a.before != 0 && l.trying.over(a.before) {
		l.overtake(a.before)
		a = l.try(0)
	}
	return a.done && a.err != ErrNotRecoverable, a.err
}

// Unlock releases the lock. Any goroutine of the process that holds the lock may call it. It panics
// if this process does not hold the lock. Unlock after [ErrOwnerDied] without [Lock.MarkConsistent]
// makes the lock unusable: see [ErrNotRecoverable].
func (l *Lock) Unlock() {
	l.check()
	l.p.Release(&l.o)
	if !l.word.CompareAndSwap(l.tag, 0) {
		l.unlockSlowly()
	}
}

func (l *Lock) unlockSlowly() {
	edge := l.p.Owes(l.o)
	defer edge.Clear()
	for {
		v := l.held("Unlock")
		free := v & lockWaiters
		if v&lockInconsistent != 0 {
			free |= lockLost
		}
		if !l.word.CompareAndSwap(v, free) {
			continue
		}
		if v&lockInconsistent != 0 {
			l.word.WakeAll()
		} else {
			l.wakeNext()
		}
		return
	}
}

// wakeNext wakes one waiter, or all if one of them is starving, because it is unknown which one the
// kernel would wake. It clears the waiters bit if there are no waiters.
func (l *Lock) wakeNext() {
	if l.starving.Load() != 0 {
		l.word.WakeAll()
	} else if l.word.Wake(1) == 0 {
		l.word.CompareAndSwap(lockWaiters, 0)
	}
}

// held returns the word of the lock. It panics if this process does not hold the lock.
func (l *Lock) held(method string) uint32 {
	v := l.word.Load()
	if v&shm.TagMask != l.tag {
		panic("shared: " + method + " of a Lock that this process does not hold")
	}
	return v
}

// MarkConsistent says, after [ErrOwnerDied], that what the lock guards is whole again. It panics if
// this process does not hold the lock.
func (l *Lock) MarkConsistent() {
	l.check()
	for {
		if v := l.held("MarkConsistent"); l.word.CompareAndSwap(v, v&^lockInconsistent) {
			return
		}
	}
}

// Close frees the lock's memory if this process made the lock; elsewhere it does nothing. After
// that, using the lock panics, in all processes, and so do those that wait.
func (l *Lock) Close() error { return l.close() }

// Locker returns the lock as a [sync.Locker]. Its Lock waits without a limit, and panics where
// [Lock.Lock] returns an error.
func (l *Lock) Locker() sync.Locker { return locker{l} }

type locker struct{ l *Lock }

func (k locker) Lock() {
	if err := k.l.Lock(context.Background()); err != nil {
		panic("shared: lock: " + err.Error())
	}
}

func (k locker) Unlock() { k.l.Unlock() }

// EncodeMsgpack sends the lock to another process of the tree.
func (l *Lock) EncodeMsgpack(e *msgpack.Encoder) error { return l.encode(e) }

// DecodeMsgpack receives a lock. The error wraps [ErrGone] if the lock is closed or belongs to
// another tree.
func (l *Lock) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindLock); err != nil {
		return err
	}
	*l = *m.lock()
	return nil
}

// repairLock repairs a lock after the death of a process, which may have been its holder or the
// starving one.
func repairLock(o shm.Object, dead shm.Tag) {
	word, starving := o.Hot(0), o.Hot(1)
	if starving.CompareAndSwap(uint32(dead), 0) {
		starving.WakeAll()
	}
	for {
		v := word.Load()
		switch v & shm.TagMask {
		case uint32(dead):
			o.Hot(lockDeaths).Add(1) // before another process can take the lock
			if !word.CompareAndSwap(v, v&lockWaiters|lockInconsistent) {
				continue
			}
			word.WakeAll()
		case 0:
			if v&lockWaiters != 0 { // an earlier repairer may have died before waking them
				word.WakeAll()
			}
		}
		return
	}
}
