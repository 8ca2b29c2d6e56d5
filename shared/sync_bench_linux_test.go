package shared

import (
	"context"
	"testing"
)

func BenchmarkSemaphore(b *testing.B) {
	for name, opts := range map[string][]SemaphoreOption{"plain": nil, "tracked": {Tracked()}} {
		b.Run(name, func(b *testing.B) {
			_, process := simulate(b)
			s, err := newSemaphore(process(), 4, 4, opts...)
			mustNot(b, err)
			ctx := context.Background()
			for b.Loop() {
				_ = s.Acquire(ctx)
				_ = s.Release()
			}
		})
	}
}

func BenchmarkRLock(b *testing.B) {
	_, process := simulate(b)
	r, err := newRLock(process())
	mustNot(b, err)
	ctx := WithHolder(context.Background())
	for b.Loop() {
		_ = r.Lock(ctx)
		_ = r.Unlock(ctx)
	}
}

// In a hand-off, one process sets the other's event and waits for its own.
func BenchmarkEvent(b *testing.B) {
	_, process := simulate(b)
	p, q := process(), process()
	ping, err := newEvent(p)
	mustNot(b, err)
	pong, err := newEvent(p)
	mustNot(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() {
		defer close(done)
		mine, other := member{q, ping.o}.event(), member{q, pong.o}.event()
		for mine.Wait(ctx) == nil {
			mine.Clear()
			other.Set()
		}
	}()
	for b.Loop() {
		ping.Set()
		_ = pong.Wait(ctx)
		pong.Clear()
	}
	cancel()
	<-done
}

func BenchmarkBarrier(b *testing.B) {
	all := barriers(b, 2, 2)
	ctx := context.Background()
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			if _, err := all[1].Wait(ctx); err != nil {
				return
			}
		}
	}()
	for b.Loop() {
		_, _ = all[0].Wait(ctx)
	}
	all[0].Abort()
	<-done
}

func BenchmarkCond(b *testing.B) {
	_, c, d := twoConds(b)
	ctx := context.Background()
	turn, stop := 0, false
	done := make(chan bool)
	play := func(c *Cond, i int) {
		_ = c.l.Lock(ctx)
		_ = c.WaitFor(ctx, func() bool { return turn == i || stop })
		turn = 1 - i
		c.Notify(1)
		c.l.Unlock()
	}
	go func() {
		defer close(done)
		for !stop {
			play(d, 1)
		}
	}()
	for b.Loop() {
		play(c, 0)
	}
	_ = c.l.Lock(ctx)
	stop = true
	c.Broadcast()
	c.l.Unlock()
	<-done
}
