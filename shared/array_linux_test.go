package shared

import (
	"bytes"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// noArrays checks at the end of the test that this process has no more arrays mapped, and no more
// descriptors open, than now. Simulated processes that earlier tests have killed leave theirs.
func noArrays(tb testing.TB) {
	tb.Helper()
	mapped, open := mappedArrays(tb), descriptors(tb)
	tb.Cleanup(func() {
		if n := mappedArrays(tb); n > mapped {
			tb.Errorf("%d arrays are mapped, %d before", n, mapped)
		}
		if n := descriptors(tb); n > open+2 { // the descriptors of a simulated table are closed later
			tb.Errorf("%d descriptors are open, %d before", n, open)
		}
	})
}

func descriptors(tb testing.TB) int {
	tb.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(all)
}

// mappedArrays counts the mappings of the memory of segments, which follows the table in the file.
func mappedArrays(tb testing.TB) (n int) {
	tb.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "/memfd:mrrun ") && !strings.Contains(line, " 00000000 ") {
			n++
		}
	}
	return n
}

// mustArray returns the array, or fails the test with the error.
func mustArray[T any](tb testing.TB) func(*Array[T], error) *Array[T] {
	return func(a *Array[T], err error) *Array[T] {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return a
	}
}

func encoded(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := msgpack.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// receive decodes an array as process p.
func receive[T any](p *shm.Process, raw []byte) (*Array[T], error) {
	a := new(Array[T])
	return a, a.decode(msgpack.NewDecoder(bytes.NewReader(raw)), p)
}

type point struct {
	X, Y float64
	On   bool
	Tags [3]uint8
}

func TestArray(t *testing.T) {
	noArrays(t)
	_, process := simulate(t)
	a := mustArray[point](t)(newArray[point](process(), 1000))
	b := mustArray[point](t)(receive[point](process(), encoded(t, a)))
	if a.Len() != 1000 || b.Len() != 1000 {
		t.Errorf("Len = %d and %d", a.Len(), b.Len())
	}
	want := point{1, 2, true, [3]uint8{4, 5, 6}}
	a.Set(999, want)
	if got := b.At(999); got != want {
		t.Errorf("At(999) = %v there", got)
	}
	if got := b.At(998); got != (point{}) {
		t.Errorf("At(998) = %v there", got)
	}
	sub := b.Sub(990, 1000).Sub(4, 10)
	if sub.Len() != 6 || cap(sub.Slice()) != 6 || &sub.Slice()[5] != &b.Slice()[999] {
		t.Error("Sub is not the same memory")
	}
	third := mustArray[point](t)(receive[point](process(), encoded(t, sub)))
	if third.Len() != 6 || third.At(5) != want {
		t.Errorf("a part of a part arrives as %v", third.Slice())
	}
	for _, f := range []func(){
		func() { sub.At(6) }, func() { sub.At(-1) }, func() { sub.Set(6, want) },
		func() { sub.Sub(0, 7) }, func() { sub.Sub(2, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic out of range")
				}
			}()
			f()
		}()
	}
	if n := mappedArrays(t); n != 3 {
		t.Errorf("mapped %d times by three processes", n)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	panics(t, "shared: Array used after Close", func() { third.Slice() })
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if b.At(999) != want || sub.At(5) != want {
		t.Error("its maker has closed it, and another that has it sees other elements")
	}
	if err := errors.Join(a.Close(), sub.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	for _, f := range []func(){
		func() { a.Len() }, func() { a.At(0) }, func() { a.Set(0, want) }, func() { a.Slice() }, func() { a.Sub(0, 0) },
		func() { b.At(0) }, func() { sub.At(0) }, func() { _, _ = msgpack.Marshal(sub) },
	} {
		panics(t, "shared: Array used after Close", f)
	}
	if a.o.Valid() {
		t.Error("all have closed it, and it is there still")
	}
	panics(t, "zero value", func() { new(Array[int]).Len() })
}

func TestArrayIsMappedOnce(t *testing.T) {
	noArrays(t)
	_, process := simulate(t)
	a := mustArray[int](t)(newArray[int](process(), 1))
	raw := encoded(t, a)
	p := process()
	b := mustArray[int](t)(receive[int](p, raw))
	c := mustArray[int](t)(receive[int](p, raw))
	if n := mappedArrays(t); n != 2 || &b.Slice()[0] != &c.Slice()[0] {
		t.Errorf("mapped %d times by two processes", n)
	}
	b.Close()
	c.Set(0, 3)
	if a.At(0) != 3 {
		t.Error("unmapped while another uses it")
	}
	c.Close()
	if n := mappedArrays(t); n != 1 {
		t.Errorf("mapped %d times, want only where it was made", n)
	}
	own := mustArray[int](t)(receive[int](a.p, raw))
	if &own.Slice()[0] != &a.Slice()[0] {
		t.Error("the maker has mapped it twice")
	}
	a.Close()
	panics(t, "after Close", func() { own.Len() })
	if _, err := receive[int](p, raw); !errors.Is(err, ErrGone) {
		t.Errorf("receive it after Close: %v", err)
	}
}

func TestArrayElements(t *testing.T) {
	type inner struct {
		N    int
		Each [2]struct{ F func() }
	}
	fails := func(want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	_, err := NewArray[struct {
		ID   int
		Name string
	}](1)
	fails("field Name is a string, which points outside of shared memory", err)
	_, err = NewArray[inner](1)
	fails("shared: Array[shared.inner]: field Each.F is a func(), which points outside of shared memory", err)
	_, err = NewArray[string](1)
	fails("shared: Array[string]: a string points outside of shared memory", err)
	_, err = NewArray[*int](1)
	fails("a *int points outside", err)
	_, err = NewArray[any](1)
	fails("a interface {} points outside", err)
	_, err = NewArray[[2][]byte](1)
	fails("a []uint8 points outside", err)
	_, err = ArrayOf([]map[int]int{{}})
	fails("a map[int]int points outside", err)
	_, err = NewArray[struct{}](1)
	fails("the elements have no size", err)
	_, err = NewArray[int](-1)
	fails("invalid length -1", err)
	_, err = NewArray[int](math.MaxInt)
	fails("invalid length 9223372036854775807", err)
	_, err = NewArray[byte](math.MaxInt)
	fails("make an Array[uint8] of 9223372036854775807 elements", err)

	noArrays(t)
	mustArray[complex128](t)(ArrayOf([]complex128{1i})).Close()
	empty := mustArray[bool](t)(ArrayOf([]bool(nil)))
	if empty.Len() != 0 || len(empty.Slice()) != 0 {
		t.Error("an empty array has elements")
	}
	empty.Close()
	a := mustArray[point](t)(ArrayOf([]point{{X: 1}}))
	defer a.Close()
	var other struct{ A *Array[complex64] }
	fails("receive an Array[complex64]: it is an Array[shared.point], not an Array[complex64]: use the same type on both sides",
		msgpack.Unmarshal(encoded(t, struct{ A *Array[point] }{a}), &other))
}

func TestSweep(t *testing.T) {
	t.Run("killed", func(t *testing.T) {
		noArrays(t)
		l, raw, kill := giver(t)
		a := mustArray[int](t)(receive[int](l.p, raw))
		if n := shm.Sweep(); n != 0 {
			t.Errorf("%d were swept that may be sent again", n)
		}
		kill()
		a.Set(0, 1)
		if n := shm.Sweep(); n != 1 {
			t.Errorf("%d were swept", n)
		}
		panics(t, "shared: Array used after Close", func() { a.At(0) })
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		noArrays(t)
		_, process := simulate(t)
		a := mustArray[int](t)(newArray[int](process(), 10))
		p := process()
		b := mustArray[int](t)(receive[int](p, encoded(t, a)))
		slice := b.Slice()
		a.Set(3, 3)
		a.Close()
		if slice[3] != 3 {
			t.Error("unmapped before the safe point")
		}
		if n := p.Sweep(); n != 1 {
			t.Errorf("%d were swept", n)
		}
	})
	t.Run("held", func(t *testing.T) {
		noArrays(t)
		_, process := simulate(t)
		a := mustArray[int](t)(create[int](process(), "held", 10))
		p := process()
		b := mustArray[int](t)(attachNamed[int](p, "held"))
		mustArray[int](t)(receive[int](p, encoded(t, a)))
		slice := b.Slice()
		a.Close()
		if n := p.Sweep(); n != 0 || slice[0] != 0 {
			t.Error("swept what was attached")
		}
		b.Close()
		p.Sweep()
	})
}
