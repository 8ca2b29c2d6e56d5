package mapreduce

import (
	"context"
	"errors"
	"testing"
)

// A goroutine's future is like any other, and can be waited for with those of pools.
func TestGo(t *testing.T) {
	failed := errors.New("failed")
	good := Go(t.Context(), func(context.Context) (int, error) { return 7, nil })
	bad := Go(t.Context(), func(context.Context) (int, error) { return 0, failed })
	pooled := echo.ApplyAsync(t.Context(), newPool(t), 3)
	if err := WaitAll(t.Context(), good, bad, pooled); !errors.Is(err, failed) {
		t.Errorf("WaitAll: %v", err)
	}
	if got, err := good.Get(t.Context()); got != 7 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	called := make(chan error, 1)
	bad.OnDone(func(_ int, err error) { called <- err })
	if err := <-called; err != failed {
		t.Errorf("the callback got %v", err)
	}
}

func TestGoEnds(t *testing.T) {
	because := errors.New("because")
	untilEnd := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) }
	f := Go(t.Context(), untilEnd)
	called := make(chan error, 1)
	f.OnDone(func(_ int, err error) { called <- err })
	f.Cancel()
	if _, err := f.Get(t.Context()); err != ErrCanceled {
		t.Errorf("after Cancel: %v", err)
	}
	if err := <-called; err != ErrCanceled {
		t.Errorf("the callback got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	f = Go(ctx, untilEnd)
	cancel(because)
	if _, err := f.Get(t.Context()); err != because {
		t.Errorf("after the end of its context: %v", err)
	}
	f.Cancel() // nothing happens
	if f.Err() != because {
		t.Errorf("after that: %v", f.Err())
	}
}
