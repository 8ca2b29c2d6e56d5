package mapreduce

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// An argument that a killed worker changed in place is sent again unchanged.
func TestViewIsRetried(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, silent())
	args := []viewDeed{viewOf(largeView), viewOf(1 << 18), viewOf(largeView), viewOf(10)}
	args[1].Do, args[3].Do = "kill once", "kill once"
	for _, size := range []int{1, 4} {
		got, err := squareView.Map(t.Context(), p, args, Chunksize(size))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			checkSquares(t, v.V.Slice(), 0, len(args[i].V.Slice()))
			v.V.Release()
		}
	}
	if retried := p.Stats().Retried; retried != 4 {
		t.Errorf("%d items were tried again, not 4", retried)
	}
}

func TestViewsOfFailures(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, silent())
	args := []viewDeed{viewOf(largeView), viewOf(largeView), viewOf(largeView)}
	args[0].Do, args[2].Do = "hang", "fail"
	got, err := squareView.Map(t.Context(), p, args, Chunksize(1), Timeout(200*time.Millisecond))
	failed, ok := errors.AsType[TaskErrors](err)
	if !ok || len(failed) != 2 || !errors.Is(failed[0], ErrTimeout) || failed[1].Msg != "sorry" {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(failed[1].Error(), "View[float64] of 8192") {
		t.Errorf("it does not say which item: %v", failed[1])
	}
	checkSquares(t, got[1].V.Slice(), 0, largeView)
	got[1].V.Release()
	released := viewOf(largeView)
	released.V.Release()
	if _, err := squareView.Apply(t.Context(), p, released); err == nil || !strings.Contains(err.Error(), "released before it was sent") {
		t.Errorf("an argument that was released: %v", err)
	}
	checkUsable(t, p)
}

func TestViewsSurviveKills(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, Retries(1000), silent())
	defer killWorkers(t, p)()
	args := make([]viewDeed, 60)
	for i := range args {
		args[i] = viewOf([]int{10, largeView, 3 * largeView, 200_000}[i%4] + i)
	}
	for range 4 {
		var all []viewed
		for item, err := range squareView.ImapUnordered(context.Background(), p, slices.Values(args)) {
			if err != nil {
				t.Fatal(err)
			}
			if len(item.Value.V.Slice()) != len(args[item.Index].V.Slice()) {
				t.Fatalf("item %d is another one", item.Index)
			}
			all = append(all, item.Value)
		}
		for _, v := range all {
			checkSquares(t, v.V.Slice(), 0, len(v.V.Slice()))
			v.V.Release()
		}
	}
}
