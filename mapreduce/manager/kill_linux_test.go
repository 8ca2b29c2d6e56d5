package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce"
	"mrrun/shared"
)

// A post is what a client holds, and waits for, when it is killed.
type post struct {
	Lock    *Lock
	RLock   *RLock
	Permits *Semaphore // two permits
	Cond    *Cond
	Gate    *Lock    // held by another client
	Barrier *Barrier // for three parties
	Manned  *Queue[int]
}

func newPost(ctx context.Context, c Conn) post {
	condLock := must1(NewLock(ctx, c))
	return post{
		Lock: must1(NewLock(ctx, c)), RLock: must1(NewRLock(ctx, c)), Permits: must1(NewBoundedSemaphore(ctx, c, 2)),
		Cond: must1(NewCond(ctx, condLock)), Gate: must1(NewLock(ctx, c)), Barrier: must1(NewBarrier(ctx, c, 3)),
		Manned: must1(NewQueue[int](ctx, c, 1)),
	}
}

// manPost takes all that can be held and waits for all that can be waited for. It must not return:
// it is killed.
var manPost = mapreduce.FuncContext(func(ctx context.Context, p post) (int, error) {
	if err := errors.Join(p.Lock.Lock(ctx), p.RLock.Lock(ctx), p.RLock.Lock(ctx), p.Permits.Acquire(ctx),
		p.Permits.Acquire(ctx), p.Cond.Lock().Lock(ctx)); err != nil {
		return 0, err
	}
	ended := make(chan error)
	go func() { ended <- fmt.Errorf("cond: %v", p.Cond.Wait(ctx)) }()
	go func() { ended <- fmt.Errorf("gate: %v", p.Gate.Lock(ctx)) }()
	go func() {
		_, err := p.Barrier.Wait(ctx)
		ended <- fmt.Errorf("barrier: %v", err)
	}()
	if err := p.Manned.Put(ctx, 1); err != nil {
		return 0, err
	}
	return 0, <-ended
})

// killAtPost starts a process that mans the post, kills it, and checks that all that the process
// held comes back to those that wait. It returns the time from the kill until the process's lock
// was free.
func killAtPost(ctx context.Context, t *testing.T, p post) time.Duration {
	victim := must1(manPost.Start(ctx, p))
	must1(p.Manned.Get(ctx))
	condLock := p.Cond.Lock()
	wants(t, "the lock of a cond that its holder waits for", condLock.Lock(ctx), nil)

	var waiters sync.WaitGroup
	notified := false // guarded by condLock
	waiters.Go(func() {
		wants(t, "cond", p.Cond.WaitFor(ctx, func() bool { return notified }), nil)
		condLock.Unlock()
	})
	regained := make(chan time.Time, 1)
	waiters.Go(func() {
		wants(t, "lock", p.Lock.Lock(ctx), shared.ErrOwnerDied)
		regained <- time.Now()
		p.Lock.MarkConsistent()
		p.Lock.Unlock()
	})
	waiters.Go(func() {
		wants(t, "rlock", p.RLock.Lock(ctx), shared.ErrOwnerDied)
		p.RLock.MarkConsistent()
		wants(t, "rlock: unlock", p.RLock.Unlock(ctx), nil)
	})
	waiters.Go(func() {
		wants(t, "permits", errors.Join(p.Permits.Acquire(ctx), p.Permits.Acquire(ctx)), nil)
		wants(t, "permits: release", errors.Join(p.Permits.Release(), p.Permits.Release()), nil)
	})
	waiters.Go(func() {
		_, err := p.Barrier.Wait(ctx)
		wants(t, "barrier", err, shared.ErrBroken)
	})
	awaitParties(ctx, p.Barrier, 2)
	wants(t, "the lock of a cond that two wait for", condLock.Lock(ctx), nil)
	condLock.Unlock()

	killed := time.Now()
	wants(t, "kill", syscall.Kill(victim.PID(), syscall.SIGKILL), nil)
	took := (<-regained).Sub(killed)

	p.Gate.Unlock()
	wants(t, "what the dead one waited for", p.Gate.Lock(ctx), nil)
	wants(t, "the lock of a cond that a dead one waited for", condLock.Lock(ctx), nil)
	notified = true
	wants(t, "notify the one that is left", p.Cond.Notify(ctx, 1), nil)
	condLock.Unlock()
	waiters.Wait()
	wants(t, "reset", p.Barrier.Reset(ctx), nil)

	_, err := victim.Wait()
	if died, ok := errors.AsType[*mapreduce.ExitError](err); !ok || died.Signal != syscall.SIGKILL {
		t.Errorf("the client was not killed: %v", err)
	}
	return took
}

// TestThousandKilled kills the processes of 1,000 clients, each of which holds and waits for an
// object of each kind. All that they held comes back, nothing of them stays with the manager, and
// the manager answers all the time.
func TestThousandKilled(t *testing.T) {
	kills, atATime := 1000, 20
	if raceDetector || testing.Short() {
		kills = 60
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	m := must1(Start(ctx))
	defer m.Close()
	posts := make([]post, atATime)
	for i := range posts {
		c := must1(Dial(ctx, m.Address()))
		defer c.Close()
		posts[i] = newPost(ctx, c)
		check(t, posts[i].Gate.Lock(ctx))
	}
	before := must1(takeCensus.Call(ctx, m, struct{}{}))

	var beats int
	var slowest time.Duration
	var beating sync.WaitGroup
	enough := make(chan struct{})
	beating.Go(func() { beats, slowest = beat(ctx, t, m, enough) })
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	for _, p := range posts {
		all.Go(func() {
			for range kills / atATime {
				d := killAtPost(ctx, t, p)
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
				if t.Failed() {
					return
				}
			}
		})
	}
	all.Wait()
	close(enough)
	beating.Wait()
	settles(t, m, before)
	if t.Failed() {
		return
	}
	equal(t, "kills", len(took), kills)
	slices.Sort(took)
	t.Logf("from the kill to the lock: median %v, at most %v", took[len(took)/2], took[len(took)-1])
	t.Logf("%d answers meanwhile, the slowest after %v", beats, slowest)
	t.Logf("before: %v; after: %v", before, must1(takeCensus.Call(ctx, m, struct{}{})))
}

// beat calls the manager again and again, until it is told to stop.
func beat(ctx context.Context, t *testing.T, c Conn, enough <-chan struct{}) (beats int, slowest time.Duration) {
	v := must1(NewValue(ctx, c, 0))
	defer v.Close()
	for {
		select {
		case <-enough:
			return beats, slowest
		case <-time.After(time.Millisecond):
		}
		asked := time.Now()
		sum, err := v.Add(ctx, 1)
		beats++
		if err != nil || sum != beats {
			t.Errorf("the manager answers %d, %v to addition %d", sum, err, beats)
			return beats, slowest
		}
		slowest = max(slowest, time.Since(asked))
	}
}
