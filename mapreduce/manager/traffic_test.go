package manager

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"mrrun/shared"
)

// A visitor is a client that uses the objects that all visitors share, in bounded amounts.
type visitor struct {
	c       *Client
	words   *Dict[string, string]
	counts  *Dict[string, int]
	outer   *Dict[int, *Dict[int, int]]
	queue   *Queue[[]byte]
	lock    *Lock
	rlock   *RLock
	permits *Semaphore
	event   *Event
	barrier *Barrier
	bank    *Object[*account]
}

// objectsOfVisitors is the number of objects that they share.
const objectsOfVisitors = 10

func visit(ctx context.Context, c *Client) (v visitor, err error) {
	var errs [objectsOfVisitors]error
	v.c = c
	v.words, errs[0] = NewDict[string, string](ctx, c, Named("words"))
	v.counts, errs[1] = NewDict[string, int](ctx, c, Named("counts"))
	v.outer, errs[2] = NewDict[int, *Dict[int, int]](ctx, c, Named("outer"))
	v.queue, errs[3] = NewQueue[[]byte](ctx, c, 16, Named("queue"))
	v.lock, errs[4] = NewLock(ctx, c, Named("lock"))
	v.rlock, errs[5] = NewRLock(ctx, c, Named("rlock"))
	v.permits, errs[6] = NewBoundedSemaphore(ctx, c, 3, Named("permits"))
	v.event, errs[7] = NewEvent(ctx, c, Named("event"))
	v.barrier, errs[8] = NewBarrier(ctx, c, 2, Named("barrier"))
	v.bank, errs[9] = accounts.New(ctx, c, Named("bank"))
	return v, errors.Join(errs[:]...)
}

// stir does n things at random. It returns only errors that are not to be expected where other
// clients come, go and die.
func (v visitor) stir(ctx context.Context, n int) error {
	deeds := []func(context.Context) error{
		v.write, v.count, v.nest, v.unnest, v.put, v.take, v.lockUp, v.lockTwice, v.acquire, v.signal, v.meet, v.deposit,
	}
	for range n {
		short, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(5))*time.Millisecond)
		i := rand.IntN(len(deeds))
		err := deeds[i](short)
		cancel()
		expected := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, shared.ErrBroken)
		if err != nil && (!expected || ctx.Err() != nil) {
			return fmt.Errorf("deed %d: %w", i, err)
		}
	}
	return nil
}

func (v visitor) write(ctx context.Context) error {
	key := fmt.Sprint(rand.IntN(50))
	if err := v.words.Set(ctx, key, strings.Repeat("x", rand.IntN(20_000))); err != nil {
		return err
	}
	_, _, err := v.words.Pop(ctx, fmt.Sprint(rand.IntN(50)))
	return err
}

func (v visitor) count(ctx context.Context) error {
	_, err := v.counts.Add(ctx, "all", 1)
	return err
}

// nest makes an object that only another object refers to.
func (v visitor) nest(ctx context.Context) error {
	inner, err := NewDict[int, int](ctx, v.c)
	if err != nil {
		return err
	}
	return errors.Join(inner.Set(ctx, 1, 1), v.outer.Set(ctx, rand.IntN(20), inner), inner.Close())
}

func (v visitor) unnest(ctx context.Context) error {
	inner, found, err := v.outer.Pop(ctx, rand.IntN(20))
	if err != nil || !found {
		return err
	}
	_, err = inner.Add(ctx, 1, 1)
	return errors.Join(err, inner.Close())
}

func (v visitor) put(ctx context.Context) error {
	return v.queue.Put(ctx, make([]byte, rand.IntN(5000)))
}

func (v visitor) take(ctx context.Context) error {
	if _, err := v.queue.Get(ctx); err != nil {
		return err
	}
	return v.queue.TaskDone(ctx)
}

func (v visitor) lockUp(ctx context.Context) error {
	err := v.lock.Lock(ctx)
	if errors.Is(err, shared.ErrOwnerDied) {
		v.lock.MarkConsistent()
	} else if err != nil {
		return err
	}
	defer v.lock.Unlock()
	return v.count(ctx)
}

func (v visitor) lockTwice(ctx context.Context) error {
	for range 2 {
		err := v.rlock.Lock(ctx)
		if errors.Is(err, shared.ErrOwnerDied) {
			v.rlock.MarkConsistent()
		} else if err != nil {
			return err
		}
		defer v.rlock.Unlock(ctx)
	}
	return v.count(ctx)
}

func (v visitor) acquire(ctx context.Context) error {
	if err := v.permits.Acquire(ctx); err != nil {
		return err
	}
	return errors.Join(v.count(ctx), v.permits.Release())
}

func (v visitor) signal(ctx context.Context) error {
	if rand.IntN(2) == 0 {
		return errors.Join(v.event.Set(ctx), v.event.Clear(ctx))
	}
	return v.event.Wait(ctx)
}

func (v visitor) meet(ctx context.Context) error {
	_, err := v.barrier.Wait(ctx)
	if errors.Is(err, shared.ErrBroken) {
		return v.barrier.Reset(ctx)
	}
	return err
}

func (v visitor) deposit(ctx context.Context) error {
	if _, err := Call[int](ctx, v.bank, "Deposit", 1); err != nil {
		return err
	}
	_, err := upper.Call(ctx, v.c, strings.Repeat("a", rand.IntN(1000)))
	return err
}
