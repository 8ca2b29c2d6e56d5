package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	echo = Func(func(n int) int { return n })

	failAtThrees = FuncContext(func(_ context.Context, n int) (int, error) {
		if n%3 == 0 {
			return 0, fmt.Errorf("%d is a multiple of three", n)
		}
		return n, nil
	})
	panicAtSeven = Func(func(n int) int {
		if n == 7 {
			panic(fmt.Sprintf("no %d", n))
		}
		return n
	})
	failWith = FuncContext(func(_ context.Context, kind string) (int, error) {
		switch kind {
		case "canceled":
			return 0, fmt.Errorf("it gave up: %w", context.Canceled)
		case "deadline":
			return 0, fmt.Errorf("it gave up: %w", context.DeadlineExceeded)
		case "eof":
			return 0, os.ErrNotExist
		}
		return 0, nil
	})

	grow   = Func(func(n int) []byte { return slices.Repeat([]byte{byte(n)}, n) })
	length = Func(func(b []byte) int { return len(b) })

	echoStruct = Func(func(s sample) sample { return s })
	echoSlice  = Func(func(s []float64) []float64 { return s })
	echoMap    = Func(func(m map[string]int) map[string]int { return m })
	echoString = Func(func(s string) string { return s })
	echoBig    = Func(func(n *big.Int) *big.Int { return n })
	echoBigs   = Func(func(n []*big.Int) []*big.Int { return n })

	makeTricky = Func(func(t string) tricky { return tricky{On: t} })
	takeTricky = Func(func(t tricky) string { return t.On })

	meet = FuncContext(meetDriver)
)

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestMapKeepsOrder(t *testing.T) {
	p := newPool(t)
	for _, n := range []int{0, 1, 2, 3, 1000, 10_000} {
		for _, size := range []int{0, 1, 7, 1000} {
			got, err := echo.Map(t.Context(), p, numbers(n), Chunksize(size))
			if err != nil {
				t.Fatal(err)
			}
			if got == nil || !slices.Equal(got, numbers(n)) {
				t.Errorf("%d items, chunk size %d: results are not the arguments", n, size)
			}
		}
	}
}

func TestMapChunks(t *testing.T) {
	p := newPool(t, Chunksize(10))
	for _, test := range []struct {
		options []CallOption
		want    int
	}{
		{nil, 11},
		{[]CallOption{Chunksize(1)}, 101},
		{[]CallOption{Chunksize(3), Chunksize(50)}, 3},
		{[]CallOption{Chunksize(1000)}, 1},
	} {
		before := p.Stats()
		if _, err := echo.Map(t.Context(), p, numbers(101), test.options...); err != nil {
			t.Fatal(err)
		}
		after := p.Stats()
		if got := after.Chunks - before.Chunks; got != test.want || after.Sent-before.Sent != 101 || after.Done-before.Done != 101 {
			t.Errorf("%d options: %d chunks, stats from %+v to %+v; want %d chunks", len(test.options), got, before, after, test.want)
		}
	}
}

func TestMapCollectsErrors(t *testing.T) {
	p := newPool(t)
	for _, size := range []int{0, 1, 4} {
		results, err := failAtThrees.Map(t.Context(), p, numbers(100), Chunksize(size))
		failed, ok := errors.AsType[TaskErrors](err)
		if !ok || len(failed) != 34 {
			t.Fatalf("chunk size %d: error %v, want one for each third of 100 items", size, err)
		}
		for i, item := range failed {
			if item.Index != 3*i || item.Input != 3*i || item.Msg != fmt.Sprintf("%d is a multiple of three", 3*i) {
				t.Errorf("chunk size %d: error %d is %+v", size, i, item)
			}
		}
		for i, got := range results {
			if want := i * min(i%3, 1); got != want {
				t.Errorf("chunk size %d: result %d is %d, want %d", size, i, got, want)
			}
		}
	}
	checkUsable(t, p)
}

func TestMapReportsPanics(t *testing.T) {
	p := newPool(t)
	results, err := panicAtSeven.Map(t.Context(), p, numbers(20))
	item, ok := errors.AsType[*TaskError](err)
	if !ok || item.Index != 7 || item.Input != 7 || item.Msg != "panic: no 7" {
		t.Fatalf("error %+v, want the panic of item 7", err)
	}
	if !strings.Contains(item.Stack, "map_test.go") {
		t.Errorf("the stack does not name the line that panicked:\n%s", item.Stack)
	}
	if len(results) != 20 || results[19] != 19 {
		t.Errorf("results %v, want those of all other items", results)
	}
	checkUsable(t, p)
}

func TestMapKeepsTheIdentityOfErrors(t *testing.T) {
	p := newPool(t)
	_, err := failWith.Map(t.Context(), p, []string{"", "canceled", "deadline", "eof"})
	failed, _ := errors.AsType[TaskErrors](err)
	if len(failed) != 3 {
		t.Fatalf("error %v, want three items", err)
	}
	for _, test := range []struct {
		item     int
		is       error
		expected bool
	}{
		{0, context.Canceled, true},
		{0, context.DeadlineExceeded, false},
		{1, context.DeadlineExceeded, true},
		{1, context.Canceled, false},
		{2, context.Canceled, false},
		{2, os.ErrNotExist, false}, // it does not travel: only its text does
	} {
		if got := errors.Is(failed[test.item], test.is); got != test.expected {
			t.Errorf("errors.Is(%v, %v) = %v", failed[test.item], test.is, got)
		}
	}
	if !errors.Is(err, context.Canceled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("errors.Is finds nothing in the whole of %v", err)
	}
}

func TestMapTwiceAtOnce(t *testing.T) {
	p := newPool(t)
	var calls sync.WaitGroup
	for n := range 8 {
		calls.Go(func() {
			for i := range 10 {
				args := numbers(n*100 + i)
				if got, err := echo.Map(t.Context(), p, args, Chunksize(n%3)); err != nil || !slices.Equal(got, args) {
					t.Errorf("call %d of %d: wrong results, %v", i, n, err)
				}
			}
		})
	}
	calls.Wait()
}

// Both workers work at the same time: each of two tasks waits for the other.
func TestMapUsesAllWorkers(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	done := make(chan []int)
	go func() {
		pids, err := meet.Map(t.Context(), p, []place{m.place(), m.place()})
		if err != nil {
			t.Error(err)
		}
		done <- pids
	}()
	first, second := m.await(), m.await()
	workers := p.Workers()
	if len(workers) != 2 || workers[0].ID != 1 || workers[1].ID != 2 {
		t.Fatalf("workers %+v, want 1 and 2", workers)
	}
	want := []int{workers[0].PID, workers[1].PID}
	first.letGo()
	second.letGo()
	pids := <-done
	slices.Sort(pids)
	slices.Sort(want)
	if !slices.Equal(pids, want) {
		t.Errorf("tasks ran in processes %v, want %v", pids, want)
	}
}
