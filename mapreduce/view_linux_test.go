package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
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

// checkKeptView fails the test unless a task that uses the view of an earlier one fails.
func checkKeptView(t *testing.T, p *Pool, n int) {
	t.Helper()
	keep, use := viewOf(n), viewOf(1)
	keep.Do, use.Do = "keep", "use what was kept"
	got, err := squareView.Apply(t.Context(), p, keep)
	if err != nil {
		t.Fatal(err)
	}
	got.V.Release()
	if _, err := squareView.Apply(t.Context(), p, use); err == nil || !strings.Contains(err.Error(), "use of a View after its release") {
		t.Errorf("a view of %d numbers is used after its task: %v", n, err)
	}
}

func TestArgumentsViewEndsWithItsTask(t *testing.T) {
	p := newPool(t, Procs(1))
	checkKeptView(t, p, largeView)
	checkKeptView(t, p, 3)
	checkUsable(t, p)
}

// What a task returns may be a part of its argument.
func TestViewOfArgumentReturned(t *testing.T) {
	checkMessagesUnmapped(t)
	p := newPool(t)
	d := viewOf(2 * largeView)
	d.Do = "part"
	got, err := squareView.Map(t.Context(), p, slices.Repeat([]viewDeed{d}, 10), Chunksize(5))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		checkSquares(t, v.V.Slice(), 1, 2*largeView-1)
		v.V.Release()
	}
}

// Views outlive the worker that sent them, whatever its end, and their pool.
func TestViewOutlivesItsPool(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, silent(), Procs(1))
	future := squareView.ApplyAsync(t.Context(), p, viewOf(1<<20))
	first, err := future.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second, err := squareView.Apply(t.Context(), p, viewOf(2*largeView))
	if err != nil || second.PID == first.PID {
		t.Fatalf("from %d, then from %d, %v", first.PID, second.PID, err)
	}
	checkSquares(t, first.V.Slice(), 0, 1<<20)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	checkSquares(t, first.V.Slice(), 0, 1<<20)
	checkSquares(t, second.V.Slice(), 0, 2*largeView)
	if !inMessage(first.V.Slice()) || !inMessage(second.V.Slice()) {
		t.Error("not in place")
	}
	again, err := squareView.Apply(t.Context(), newPool(t), viewDeed{V: second.V}) // from one pool into another
	if err != nil || again.V.Slice()[3] != 81 {
		t.Fatalf("3⁴ is not 81: %v", err)
	}
	for _, v := range []viewed{first, second, again} {
		v.V.Release()
	}
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

// Memory and descriptors do not grow with the number of views that came and went.
func TestViewsAreUsedAgain(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, Procs(1))
	d := viewOf(10 << 20 / 8)
	var first viewed
	var descriptors, mapped int
	for i := range 200 {
		got, err := squareView.Apply(t.Context(), p, d)
		if err != nil {
			t.Fatal(err)
		}
		if s := got.V.Slice(); s[len(s)-1] != float64((len(s)-1)*(len(s)-1)) {
			t.Fatalf("call %d: wrong result", i)
		}
		got.V.Release()
		switch here := len(openDescriptors()); {
		case i == 5:
			first, descriptors, mapped = got, here, mappedMessages()
		case i > 5 && (got.Descriptors != first.Descriptors || got.Mapped != first.Mapped || here > descriptors || mappedMessages() != mapped):
			t.Fatalf("call %d: the worker has %d descriptors and %d bytes of messages mapped, before %d and %d; the driver %d and %d, before %d and %d",
				i, got.Descriptors, got.Mapped, first.Descriptors, first.Mapped, here, mappedMessages(), descriptors, mapped)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got, err := squareView.Apply(t.Context(), p, d); err != nil {
		t.Fatal(err)
	} else {
		got.V.Release()
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("a result of 10 MB takes %d bytes of the heap", took)
	}
}

func TestForgottenViewsAreReleased(t *testing.T) {
	p := newPool(t, Procs(1))
	d, most := viewOf(8<<20/8), 0
	for range 150 {
		if _, err := squareView.Apply(t.Context(), p, d); err != nil {
			t.Fatal(err)
		}
		most = max(most, mappedMessages())
	}
	if most > 800<<20 {
		t.Errorf("%d MB of forgotten results were mapped at once", most>>20)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, hangTime, func() error {
		runtime.GC()
		if n := mappedMessages(); n > 0 {
			return fmt.Errorf("%d bytes are mapped", n)
		}
		return nil
	})
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
