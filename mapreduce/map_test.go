package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
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

type sample struct {
	Name   string
	Number float64
	Parts  []int
	Inner  struct{ On bool }
	Next   *int
}

// A tricky value fails to be encoded or decoded, as On says.
type tricky struct{ On string }

func (t tricky) EncodeMsgpack(e *msgpack.Encoder) error {
	switch t.On {
	case "encode error":
		return errors.New("it does not want to leave")
	case "encode panic":
		panic("it really does not want to leave")
	}
	return e.EncodeString(t.On)
}

func (t *tricky) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	t.On, err = d.DecodeString()
	switch t.On {
	case "decode error":
		return errors.New("it does not want to arrive")
	case "decode panic":
		panic("it really does not want to arrive")
	}
	return err
}

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

func TestMapCannotEncodeOrDecode(t *testing.T) {
	p := newPool(t)
	t.Run("results", func(t *testing.T) {
		for kind, want := range map[string]string{
			"encode error": "it does not want to leave",
			"encode panic": "it really does not want to leave",
			"decode error": "it does not want to arrive",
			"decode panic": "it really does not want to arrive",
		} {
			got, err := makeTricky.Map(t.Context(), p, []string{"a", kind, "b"})
			failed, _ := errors.AsType[TaskErrors](err)
			if len(failed) != 1 || failed[0].Index != 1 || failed[0].Input != kind || !strings.Contains(failed[0].Msg, want) {
				t.Errorf("%s: error %v, want item 1 to fail with %q", kind, err, want)
			}
			if len(got) != 3 || got[2].On != "b" {
				t.Errorf("%s: results %v, want those of the other items", kind, got)
			}
		}
	})
	t.Run("arguments", func(t *testing.T) {
		for _, kind := range []string{"encode error", "encode panic"} {
			for _, at := range []int{0, 499} {
				args := make([]tricky, 500)
				args[at].On = kind
				got, err := takeTricky.Map(t.Context(), p, args)
				if got != nil || err == nil || !strings.Contains(err.Error(), "does not want to") {
					t.Errorf("%s of item %d: %v, %v; want an error", kind, at, got, err)
				}
				if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("item %d:", at)) {
					t.Errorf("%s of item %d: error %q does not name it", kind, at, err)
				}
			}
		}
	})
	checkUsable(t, p)
}

// Calls that wait behind one whose arguments cannot be encoded are still served.
func TestMapBehindBadArguments(t *testing.T) {
	p := newPool(t, Procs(1))
	bad := make([]tricky, 1000)
	bad[500].On = "encode error"
	for range 20 {
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := takeTricky.Map(t.Context(), p, bad, Chunksize(1)); err == nil {
				t.Error("the bad arguments arrived")
			}
		})
		calls.Go(func() { checkUsable(t, p) })
		calls.Go(func() { checkUsable(t, p) })
		calls.Wait()
	}
}

func TestMapMovesTypes(t *testing.T) {
	p := newPool(t)
	seven, large := 7, new(big.Int).Lsh(big.NewInt(-3), 10_000)
	same(t, p, echoStruct, []sample{{}, {Name: "ä\x00", Number: -0.1, Parts: []int{1, 2}, Inner: struct{ On bool }{true}, Next: &seven}})
	same(t, p, echoSlice, [][]float64{nil, {}, {1, 2.5}})
	same(t, p, echoMap, []map[string]int{nil, {}, {"a": 1, "": -1}})
	same(t, p, echoString, []string{"", "a", strings.Repeat("long ", 100_000)})
	same(t, p, echoBig, []*big.Int{nil, new(big.Int), big.NewInt(-5), large})
	same(t, p, echoBigs, [][]*big.Int{nil, {}, {big.NewInt(1), large}})
}

func same[T any](t *testing.T, p *Pool, task *Task[T, T], args []T) {
	t.Helper()
	got, err := task.Map(t.Context(), p, args)
	if err != nil {
		t.Errorf("%s: %v", task.Name(), err)
	} else if !reflect.DeepEqual(got, args) {
		t.Errorf("%s: %v became %v", task.Name(), args, got)
	}
}

func TestMapMovesLargeValues(t *testing.T) {
	const large = 5 << 20
	p := newPool(t)
	sizes := []int{large, 0, large + 1, 1, large + 2, large + 3}
	results, err := grow.Map(t.Context(), p, sizes)
	if err != nil {
		t.Fatal(err)
	}
	for i, result := range results {
		if len(result) != sizes[i] || len(result) > 0 && result[len(result)-1] != byte(sizes[i]) {
			t.Errorf("result %d has %d bytes, want %d", i, len(result), sizes[i])
		}
	}
	lengths, err := length.Map(t.Context(), p, results)
	if err != nil || !slices.Equal(lengths, sizes) {
		t.Errorf("lengths %v, %v; want %v", lengths, err, sizes)
	}
}

func TestMapCancelledBefore(t *testing.T) {
	p := newPool(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	cancel(because)
	if got, err := echo.Map(ctx, p, numbers(10)); got != nil || err != because {
		t.Errorf("%v, %v; want the cause", got, err)
	}
	if sent := p.Stats().Sent; sent != 0 {
		t.Errorf("%d items were sent", sent)
	}
}

// A cancelled call ends the context of its tasks.
func TestMapCancelledDuring(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	done := make(chan error)
	go func() {
		_, err := meet.Map(ctx, p, slices.Repeat([]place{m.place()}, 100))
		done <- err
	}()
	first, second := m.await(), m.await()
	cancel(because)
	if err := <-done; err != because {
		t.Errorf("error %v, want the cause", err)
	}
	first.awaitEnd()
	second.awaitEnd()
	checkUsable(t, p)
	if sent := p.Stats().Sent; sent >= 200 {
		t.Errorf("%d items were sent, also what was cancelled", sent)
	}
}

// A cancelled call returns at once, even if its tasks do not.
func TestMapCancelledStubborn(t *testing.T) {
	p := newPool(t, Procs(1))
	m := newMeeting(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := meet.Map(ctx, p, []place{{Addr: m.place().Addr, Stubborn: true}})
		done <- err
	}()
	task := m.await()
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
	task.letGo()
	checkUsable(t, p)
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
