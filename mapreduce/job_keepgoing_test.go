//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// A spoiled counts texts by length, and fails in several ways after it has emitted.
type spoiled struct{ Count }

func (spoiled) Map(_ context.Context, text string, emit func(length int, n int64)) error {
	emit(len(text), 1)
	switch text {
	case "error":
		return errors.New("no")
	case "panic":
		panic("no")
	case "exit!":
		os.Exit(9)
	case "hangs":
		select {}
	}
	return nil
}

var spoiledTexts = NewJob[spoiled]("spoiled")

// What the failed pieces have emitted does not count, and they are named in their order.
func TestJobKeepsGoing(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(2), Retries(0), Timeout(200*time.Millisecond), silent())
	in := []string{"a", "error", "b", "panic", "cc", "exit!", "dd", "hangs", "abcde"}
	got, err := spoiledTexts.Run(t.Context(), p, spoiled{}, in, KeepGoing(), Chunksize(4))
	if want := map[int]int64{1: 2, 2: 2, 5: 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	failed, ok := errors.AsType[TaskErrors](err)
	var indexes []int
	for _, f := range failed {
		indexes = append(indexes, f.Index)
		if f.Input != in[f.Index] {
			t.Errorf("item %d: input %v", f.Index, f.Input)
		}
	}
	if !ok || !slices.Equal(indexes, []int{1, 3, 5, 7}) || !errors.Is(failed[3], ErrTimeout) {
		t.Errorf("failed: %v", err)
	}
	if numbers := p.Stats(); numbers.Failed != 4 {
		t.Errorf("the pool counts %d failed items", numbers.Failed)
	}
	if _, err := spoiledTexts.Run(t.Context(), p, spoiled{}, in); err == nil {
		t.Error("without the option, the job went on")
	}
	if got, err := spoiledTexts.Run(t.Context(), p, spoiled{}, in[1:2], KeepGoing()); len(got) > 0 || err == nil {
		t.Errorf("one piece that fails: got %v, %v", got, err)
	}
}
