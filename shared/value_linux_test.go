package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

type celsius float32

func TestValue(t *testing.T) {
	testValue[int](t, -3, 5)
	testValue[int8](t, math.MaxInt8, 1)
	testValue[int16](t, -1, -1)
	testValue[int32](t, math.MinInt32, -1)
	testValue[int64](t, math.MaxInt64, 2)
	testValue[uint](t, 0, math.MaxUint)
	testValue[uint8](t, 200, 100)
	testValue[uint16](t, 1, 2)
	testValue[uint32](t, math.MaxUint32, 3)
	testValue[uint64](t, math.MaxUint64, 3)
	testValue[uintptr](t, 1, 3)
	testValue[float32](t, 0.25, -8)
	testValue[float64](t, -math.MaxFloat64, math.MaxFloat64)
	testValue[celsius](t, -273, 0.5)
}

func testValue[T Number](t *testing.T, v, d T) {
	t.Run(fmt.Sprintf("%T", v), func(t *testing.T) {
		_, process := simulate(t)
		a, err := newValue(process(), v)
		if err != nil {
			t.Fatal(err)
		}
		b := valueOf[T](had(process(), a.o))
		if got := b.Load(); got != v {
			t.Errorf("Load = %v, want %v", got, v)
		}
		if got := a.Add(d); got != v+d || b.Load() != v+d {
			t.Errorf("Add = %v, and %v there, want %v", got, b.Load(), v+d)
		}
		if a.CompareAndSwap(v, d) || !b.CompareAndSwap(v+d, d) || a.Load() != d {
			t.Errorf("CompareAndSwap to %v left %v", d, a.Load())
		}
		if got := b.Swap(v); got != d || a.Load() != v {
			t.Errorf("Swap = %v, want %v; Load = %v, want %v", got, d, a.Load(), v)
		}
		b.Store(d)
		if got := a.Load(); got != d {
			t.Errorf("Load = %v, want %v", got, d)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		panics(t, "Value used after Close", func() { b.Load() })
	})
}

func TestValueAddsUp(t *testing.T) {
	v, err := NewValue(0.5)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10_000 {
				v.Add(1)
			}
		})
	}
	all.Wait()
	if got := v.Load(); got != 40_000.5 {
		t.Errorf("the sum is %v", got)
	}
}

func TestValueLock(t *testing.T) {
	sim, process := simulate(t)
	a, err := newValue(process(), 7)
	if err != nil {
		t.Fatal(err)
	}
	b := valueOf[int](had(process(), a.o))
	a.Lock().mustBe(t, nil)
	if ok, _ := b.Lock().TryLock(); ok {
		t.Error("two processes hold the lock")
	}
	sim.Kill(a.p)
	sim.Table.Reap(a.p.Tag())
	b.Lock().mustBe(t, ErrOwnerDied)
	if got := b.Load(); got != 7 {
		t.Errorf("the number is %d", got)
	}
}

func TestValueSent(t *testing.T) {
	v, err := NewValue(int32(9))
	if err != nil {
		t.Fatal(err)
	}
	type message struct{ V *Value[int32] }
	raw, err := msgpack.Marshal(message{v})
	if err != nil {
		t.Fatal(err)
	}
	var got message
	if err := msgpack.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if v.Store(10); got.V.Load() != 10 {
		t.Errorf("Load = %d there", got.V.Load())
	}
	var other struct{ V *Value[float32] }
	if err := msgpack.Unmarshal(raw, &other); err == nil || !strings.Contains(err.Error(), "holds a int32, not a float32") {
		t.Errorf("receive it as another type: %v", err)
	}
	v.Close()
	if err := msgpack.Unmarshal(raw, &got); !errors.Is(err, ErrGone) {
		t.Errorf("receive it after Close: %v", err)
	}
	panics(t, "zero value", func() { new(Value[int]).Load() })
}

func init() {
	helpers["add"] = func(m member) {
		v := valueOf[int](m)
		for range 20_000 {
			v.Add(1)
			if err := v.Lock().Lock(context.Background()); err != nil {
				panic(err)
			}
			n := v.o.Cold(4)
			n.Store(n.Load() + 1)
			v.Lock().Unlock()
		}
		fmt.Println("done")
	}
}

func TestValueOfProcesses(t *testing.T) {
	v, err := NewValue(0)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	end := make([]func(), 3)
	for i := range end {
		cmd, tag, line := startHelper(t, "add", v.o)
		end[i] = func() {
			line()
			cmd.Wait()
			v.p.Table().Reap(tag)
		}
	}
	for _, f := range end {
		f()
	}
	if got, locked := v.Load(), v.o.Cold(4).Load(); got != 60_000 || locked != 60_000 {
		t.Errorf("Add has counted %d, and the lock %d, want 60000", got, locked)
	}
}

func FuzzValueHandle(f *testing.F) {
	v, err := NewValue(1)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := v.EncodeMsgpack(msgpack.NewEncoder(&b)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got Value[int]
		if msgpack.Unmarshal(raw, &got) == nil && got.p != nil {
			got.Load()
		}
	})
}

func BenchmarkValue(b *testing.B) {
	_, process := simulate(b)
	p := process()
	n, err := newValue(p, 0)
	if err != nil {
		b.Fatal(err)
	}
	x, err := newValue(p, 0.5)
	if err != nil {
		b.Fatal(err)
	}
	var plain atomic.Int64
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"Load", func() { n.Load() }},
		{"atomic Load", func() { plain.Load() }},
		{"Add", func() { n.Add(1) }},
		{"atomic Add", func() { plain.Add(1) }},
		{"Add float64", func() { x.Add(1) }},
		{"CompareAndSwap", func() { n.CompareAndSwap(0, 1) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.f()
			}
		})
	}
}
