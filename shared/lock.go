package shared

import (
	"context"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Lock is held by one process at a time, and within that by one goroutine. When its holder is killed, the next one gets
// it with [ErrOwnerDied]. Use [Lock.Do] with a [Repair], which deals with that. It is made by [NewLock] and used by pointer;
// all methods are safe for concurrent use.
//
// Whoever has waited for a millisecond goes before those that come later, unless its process does not take the lock though it is
// free, as while it is suspended.
type Lock struct {
	member
	word     *shm.Word // waiters(1) | inconsistent(1) | tag of the holder(30)
	starving *shm.Word // tag of a process for which all others stand back
	deaths   *shm.Word // changes when a holder has died
	tag      uint32
	trying   *patience // of TryLock
}

const (
	lockWaiters      = 1 << 31                        // somebody may wait: unlocking must wake
	lockInconsistent = 1 << 30                        // a holder has died, and nobody has repaired what it left
	lockLost         = lockInconsistent | shm.TagMask // and nobody will: not recoverable

	starvingAfter = time.Millisecond

	lockDeaths = 4 // the hot word; a Value has its number in those before
)

// NewLock makes a lock that nobody holds.
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

// Lock takes the lock; it blocks while another has it, until ctx ends: then it returns the cause. A free lock is taken
// even if ctx has ended before. The lock is held after nil and after [ErrOwnerDied], and not after any other error: who
// returns on [ErrOwnerDied] keeps it for ever, and everybody waits. [Lock.Do] lets it go in each case.
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
				l.wakeNext() // the wake-up may have been meant for this one
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

// sleep waits for a change of what made an attempt fail. If there is none for a while, it asks whether who should bring
// it about is alive, and does not stand back any longer for one that is.
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

// overtake has nobody stand back any more for a process that does not take the lock. It may say again that it has waited for too
// long.
func (l *Lock) overtake(starving uint32) {
	if l.starving.CompareAndSwap(starving, 0) {
		l.starving.WakeAll()
	}
}

// An attempt is what came of an attempt to take the lock.
type attempt struct {
	done   bool
	err    error
	seen   uint32 // if not done: the word of the lock
	before uint32 // and, if that was free, the starving process for which it must stay so
}

// try takes the lock if it is free, with more bits in its word. Nobody ever sleeps on a free lock's word: who must stand
// back sleeps on the other word. So whoever frees it wakes all that it must.
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

// TryLock takes the lock if it is free, and reports whether it is held now: with nil or with [ErrOwnerDied]. It does not
// block. That a holder was killed it notices some time later if nobody else does.
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

// Unlock lets the lock go. Any goroutine of the process that holds it may do so; if another process holds it, or nobody,
// that is a panic. After [ErrOwnerDied] without [Lock.MarkConsistent] the lock is lost: see [ErrNotRecoverable].
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

// wakeNext wakes one of those that wait, or all if one of them has waited too long: which one the kernel would wake is
// not known. The bit goes when nobody waits.
func (l *Lock) wakeNext() {
	if l.starving.Load() != 0 {
		l.word.WakeAll()
	} else if l.word.Wake(1) == 0 {
		l.word.CompareAndSwap(lockWaiters, 0)
	}
}

// held returns the word of the lock, which this process must hold.
func (l *Lock) held(method string) uint32 {
	v := l.word.Load()
	if v&shm.TagMask != l.tag {
		panic("shared: " + method + " of a Lock that this process does not hold")
	}
	return v
}

// MarkConsistent says that what the lock guards is whole again, after [ErrOwnerDied]. If this process does not hold the
// lock, that is a panic.
func (l *Lock) MarkConsistent() {
	l.check()
	for {
		if v := l.held("MarkConsistent"); l.word.CompareAndSwap(v, v&^lockInconsistent) {
			return
		}
	}
}

// Close gives the lock's memory back if this process made it; elsewhere it does nothing. Nobody may use the lock any more:
// that is a panic, also for those that wait.
func (l *Lock) Close() error { return l.close() }

// Locker returns the lock as a [sync.Locker]. Its Lock waits without end, and panics where Lock would return an error.
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

// DecodeMsgpack receives a lock. The error wraps [ErrGone] if it was closed or is another tree's.
func (l *Lock) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindLock); err != nil {
		return err
	}
	*l = *m.lock()
	return nil
}

// repairLock is what becomes of a lock when a process has died.
func repairLock(o shm.Object, dead shm.Tag) {
	word, starving := o.Hot(0), o.Hot(1)
	if starving.CompareAndSwap(uint32(dead), 0) {
		starving.WakeAll()
	}
	for {
		v := word.Load()
		switch v & shm.TagMask {
		case uint32(dead):
			o.Hot(lockDeaths).Add(1) // before anybody can take the lock
			if !word.CompareAndSwap(v, v&lockWaiters|lockInconsistent) {
				continue
			}
			word.WakeAll()
		case 0:
			if v&lockWaiters != 0 { // an earlier repair may have died before it woke them
				word.WakeAll()
			}
		}
		return
	}
}
