package mapreduce

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// futuresAtTheEnd returns three futures, the first of which is not ready, and a context that has
// ended.
func futuresAtTheEnd(t *testing.T) (ctx context.Context, running, good, failed *Future[int]) {
	life, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	running = Go(life, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, nil })
	good = Go(t.Context(), func(context.Context) (int, error) { return 1, nil })
	failed = Go(t.Context(), func(context.Context) (int, error) { return 0, errBad })
	<-good.Done()
	<-failed.Done()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnd)
	return ctx, running, good, failed
}

var errEnd = errors.New("the end")

// This runs often: if a context has ended and a future is ready, a select takes either.
func TestWaitingMissesNoneThatIsReady(t *testing.T) {
	ctx, running, good, failed := futuresAtTheEnd(t)
	for range 100 {
		var got []int
		for i := range AsCompleted(ctx, running, good, failed) {
			got = append(got, i)
		}
		if !slices.Equal(got, []int{1, 2}) {
			t.Fatalf("AsCompleted yields %v", got)
		}
		if i, err := WaitFirst(ctx, running, good); i != 1 || err != nil {
			t.Fatalf("WaitFirst: %d, %v", i, err)
		}
		if i, err := WaitFirstError(ctx, running, good, failed); i != 2 || err != errBad {
			t.Fatalf("WaitFirstError: %d, %v", i, err)
		}
		if i, err := WaitFirstError(ctx, good, good); i != -1 || err != nil {
			t.Fatalf("WaitFirstError of those that succeeded: %d, %v", i, err)
		}
		if err := WaitAll(ctx, good, good); err != nil {
			t.Fatalf("WaitAll of those that are ready: %v", err)
		}
		if err := WaitAll(ctx, running, good, failed); !errors.Is(err, errEnd) || !errors.Is(err, errBad) {
			t.Fatalf("WaitAll: %v", err)
		}
		if got, err := WaitAny(ctx, running, good, failed); !slices.Equal(got, []int{1, 2}) || err != nil {
			t.Fatalf("WaitAny: %v, %v", got, err)
		}
	}
	if i, err := WaitFirst[*Future[int]](ctx); i != -1 || err != nil {
		t.Errorf("WaitFirst of none: %d, %v", i, err)
	}
	if i, err := WaitFirstError(ctx, running, good); i != -1 || err != errEnd {
		t.Errorf("WaitFirstError: %d, %v", i, err)
	}
	if err := WaitAll(ctx, running, good); err != errEnd {
		t.Errorf("WaitAll: %v", err)
	}
}

// A future that becomes ready while the context ends is not missed either.
func TestAsCompletedAtTheEnd(t *testing.T) {
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		late := Go(t.Context(), func(context.Context) (int, error) { <-ctx.Done(); return 0, nil })
		seen := 0
		for i := range AsCompleted(ctx, Go(t.Context(), func(context.Context) (int, error) { return 0, nil }), late) {
			if seen++; i == 0 {
				cancel()
				<-late.Done()
			}
		}
		if cancel(); seen != 2 {
			t.Fatalf("%d futures were yielded", seen)
		}
	}
}

func TestWaitAllListsAnErrorOnce(t *testing.T) {
	_, _, good, failed := futuresAtTheEnd(t)
	other := Go(t.Context(), func(context.Context) (int, error) { return 0, errBad })
	if err := WaitAll(t.Context(), failed, good, failed, good); strings.Count(err.Error(), errBad.Error()) != 1 {
		t.Errorf("a future that is given twice: %v", err)
	}
	if err := WaitAll(t.Context(), failed, other); strings.Count(err.Error(), errBad.Error()) != 2 {
		t.Errorf("two futures: %v", err)
	}
}

func TestAsCompleted(t *testing.T) {
	p := newPool(t)
	m, second := newMeeting(t), newMeeting(t)
	slow := meet.ApplyAsync(t.Context(), p, m.place())
	quick := meet.ApplyAsync(t.Context(), p, second.place())
	last, next := m.await(), second.await()
	next.letGo()
	var order []int
	for i, f := range AsCompleted(t.Context(), slow, quick) {
		if !f.Ready() {
			t.Errorf("future %d is not ready", i)
		}
		order = append(order, i)
		last.letGo()
	}
	if !slices.Equal(order, []int{1, 0}) {
		t.Errorf("order %v", order)
	}
	for range AsCompleted(t.Context(), slow, quick) {
		break
	}
	for range AsCompleted[*Future[int]](t.Context()) {
		t.Error("a future out of nothing")
	}
}

func TestWaiting(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	slow := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	good, bad := failAtThrees.ApplyAsync(t.Context(), p, 1), failAtThrees.ApplyAsync(t.Context(), p, 3)
	if i, err := WaitFirst(t.Context(), slow, good); i != 1 || err != nil {
		t.Errorf("WaitFirst: %d, %v", i, err)
	}
	if i, err := WaitFirstError(t.Context(), slow, good, bad); i != 2 || err == nil || err != bad.Err() {
		t.Errorf("WaitFirstError: %d, %v", i, err)
	}
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(because)
	if i, err := WaitFirst(ctx, slow); i != -1 || err != because {
		t.Errorf("WaitFirst: %d, %v", i, err)
	}
	if i, err := WaitFirstError(ctx, slow); i != -1 || err != because {
		t.Errorf("WaitFirstError: %d, %v", i, err)
	}
	if err := WaitAll(ctx, slow); err != because {
		t.Errorf("WaitAll: %v", err)
	}
	for range AsCompleted(ctx, slow) {
		t.Error("AsCompleted yields what is not ready")
	}
	task.letGo()
	if err := WaitAll(t.Context(), slow, good); err != nil {
		t.Errorf("WaitAll: %v", err)
	}
	if i, err := WaitFirstError(t.Context(), slow, good); i != -1 || err != nil {
		t.Errorf("WaitFirstError without one: %d, %v", i, err)
	}
	other := failAtThrees.ApplyAsync(t.Context(), p, 6)
	err := WaitAll(t.Context(), good, bad, other)
	for _, f := range []*Future[int]{bad, other} {
		if !errors.Is(err, f.Err()) {
			t.Errorf("WaitAll: no %v in %v", f.Err(), err)
		}
	}
}
