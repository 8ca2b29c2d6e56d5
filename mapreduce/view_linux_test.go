package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"mrrun/transport"
)

// A viewDeed is what an item does with a view besides squaring it in place.
type viewDeed struct {
	V  transport.View[float64]
	Do string
}

// A viewed is what the item says about the view.
type viewed struct {
	V           transport.View[float64]
	InPlace     bool
	PID         int
	Descriptors int
	Mapped      int // bytes of messages
}

var (
	squareView = FuncContext(doSquareView)
	negateView = Func(func(v *transport.View[int32]) *transport.View[int32] {
		for i, n := range v.Slice() {
			v.Slice()[i] = -n
		}
		return v
	})
	keptView transport.View[float64]
)

func doSquareView(ctx context.Context, d viewDeed) (viewed, error) {
	s := d.V.Slice()
	for i, x := range s {
		s[i] = x * x
	}
	v := viewed{d.V, inMessage(s), os.Getpid(), len(openDescriptors()), mappedMessages()}
	switch d.Do {
	case "kill once":
		if CurrentWorker(ctx).Attempt == 1 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	case "hang":
		<-make(chan bool)
	case "fail":
		return v, errors.New("sorry")
	case "part":
		v.V = transport.NewView(s[1:])
	case "keep":
		keptView = d.V
	case "use what was kept":
		_ = keptView.Slice()
	}
	return v, nil
}

// inMessage reports whether the slice lies in the memory of a received message.
func inMessage[E any](s []E) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	for from, to := range messageMappings() {
		if from <= at && at < to {
			return true
		}
	}
	return false
}

func mappedMessages() (bytes int) {
	for from, to := range messageMappings() {
		bytes += int(to - from)
	}
	return bytes
}

func messageMappings() iter.Seq2[uintptr, uintptr] {
	return func(yield func(from, to uintptr) bool) {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			panic(err)
		}
		for line := range bytes.Lines(maps) {
			var from, to uintptr
			if !bytes.Contains(line, []byte("mrrun message")) {
				continue
			}
			if _, err := fmt.Sscanf(string(line), "%x-%x", &from, &to); err != nil {
				panic(err)
			}
			if !yield(from, to) {
				return
			}
		}
	}
}

const largeView = 64 << 10 / 8 // numbers in the smallest view that is used in place

// countTo returns 0, 1, …, n-1.
func countTo(n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = float64(i)
	}
	return s
}

func viewOf(n int) viewDeed { return viewDeed{V: transport.NewView(countTo(n))} }

// checkSquares fails the test unless s holds the n squares of first, first+1, …
func checkSquares(t *testing.T, s []float64, first, n int) {
	t.Helper()
	if len(s) != n {
		t.Fatalf("%d numbers, not %d", len(s), n)
	}
	for i, x := range s {
		if x != float64(first+i)*float64(first+i) {
			t.Fatalf("at %d: %v", first+i, x)
		}
	}
}

func TestViewsOfAnySize(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t)
	args := []viewDeed{viewOf(0), viewOf(1), viewOf(largeView - 1), viewOf(largeView), viewOf(largeView + 1), viewOf(1 << 20)}
	for _, size := range []int{0, 1, 4, len(args)} {
		got, err := squareView.Map(t.Context(), p, args, Chunksize(size))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range slices.Backward(got) {
			s, large := v.V.Slice(), len(args[i].V.Slice()) >= largeView
			checkSquares(t, s, 0, len(args[i].V.Slice()))
			if v.InPlace != large || inMessage(s) != large {
				t.Errorf("%d numbers: in place in the worker %t, in the driver %t", len(s), v.InPlace, inMessage(s))
			}
			v.V.Release()
		}
	}
	if !slices.Equal(args[5].V.Slice(), countTo(1<<20)) {
		t.Error("the arguments have changed")
	}
}

func TestViewsByPointer(t *testing.T) {
	checkMessagesUnmapped(t)
	p := newPool(t)
	ints := make([]int32, largeView*2)
	ints[7] = 7
	some, none, empty := transport.NewView(ints), transport.NewView[int32](nil), transport.NewView([]int32{})
	got, err := negateView.Map(t.Context(), p, []*transport.View[int32]{&some, &empty, &none}, Chunksize(1))
	if err != nil {
		t.Fatal(err)
	}
	if s := got[0].Slice(); s[7] != -7 || !inMessage(s) {
		t.Errorf("got %d, in place: %t", s[7], inMessage(s))
	}
	if got[1].Slice() == nil || len(got[1].Slice()) != 0 || got[2].Slice() != nil {
		t.Errorf("nil and empty: %v", got[1:])
	}
	got[0].Release()
}

func TestViewsInProcess(t *testing.T) {
	p := inProcess(t)
	got, err := squareView.Map(t.Context(), p, []viewDeed{viewOf(largeView), viewOf(3)})
	if err != nil {
		t.Fatal(err)
	}
	checkSquares(t, got[0].V.Slice(), 0, largeView)
	checkSquares(t, got[1].V.Slice(), 0, 3)
	if got[0].InPlace || inMessage(got[0].V.Slice()) {
		t.Error("without shared memory something is taken in place")
	}
	checkKeptView(t, p, 3)
}

func TestViewsOfProcess(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	process, err := squareView.Start(t.Context(), viewOf(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	got, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	checkSquares(t, got.V.Slice(), 0, 1<<20)
	if !got.InPlace || !inMessage(got.V.Slice()) {
		t.Error("not in place")
	}
	got.V.Release()
}

// A halvesJob emits halves of its pieces and adds them up.
type halvesJob struct{}

func (halvesJob) Map(_ context.Context, v transport.View[float64], emit func(string, transport.View[float64])) error {
	s := v.Slice()
	emit("first", transport.NewView(s[:len(s)/2]))
	emit("second", transport.NewView(s[len(s)/2:]))
	return nil
}

func (halvesJob) Combine(a, b transport.View[float64]) transport.View[float64] {
	sum := slices.Clone(a.Slice())
	for i, x := range b.Slice() {
		sum[i] += x
	}
	return transport.NewView(sum)
}

var halves = NewJob[halvesJob]("halves")

func TestViewsInJob(t *testing.T) {
	checkMessagesUnmapped(t)
	p := newPool(t)
	pieces := slices.Repeat([]transport.View[float64]{transport.NewView(countTo(4 * largeView))}, 10)
	got, err := halves.Run(t.Context(), p, halvesJob{}, pieces, Chunksize(3))
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for i, x := range got["second"].Slice() {
		if x != 10*float64(2*largeView+i) || got["first"].Slice()[i] != 10*float64(i) {
			t.Fatalf("at %d: %v and %v", i, got["first"].Slice()[i], x)
		}
	}
}
