package shared

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

const dataVariable = "SHARED_TEST_DATA" // in a helper's environment: what it receives, in hex

func received[T any]() *Array[T] {
	raw, err := hex.DecodeString(os.Getenv(dataVariable))
	a := new(Array[T])
	if err == nil {
		err = msgpack.Unmarshal(raw, a)
	}
	if err != nil {
		fmt.Println(strings.ReplaceAll(err.Error(), " ", "_"))
		os.Exit(0)
	}
	return a
}

func init() {
	helpers["fill"] = func(m member) {
		a := received[int]()
		for i := range a.Slice() {
			a.Set(i, a.At(i)+i)
		}
		fmt.Println("done")
	}
	helpers["give"] = func(m member) {
		a, err := NewArray[int](1 << 20)
		if err != nil {
			panic(err)
		}
		a.Set(1<<20-1, 7)
		raw, err := msgpack.Marshal(a.Sub(1<<19, 1<<20))
		if err != nil {
			panic(err)
		}
		fmt.Println(hex.EncodeToString(raw))
		time.Sleep(time.Hour)
	}
}

func TestArrayFilledByProcesses(t *testing.T) {
	noArrays(t)
	const each = 20_000
	a := mustArray[int](t)(NewArray[int](3 * each))
	defer a.Close()
	var end []func()
	for i := range 3 {
		t.Setenv(dataVariable, hex.EncodeToString(encoded(t, a.Sub(i*each, (i+1)*each))))
		cmd, tag, line := startHelper(t, "fill", a.o)
		end = append(end, func() {
			if s := line(); s != "done" {
				t.Error(s)
			}
			cmd.Wait()
			a.p.Table().Reap(tag)
		})
	}
	for _, f := range end {
		f()
	}
	sum := 0
	for _, v := range a.Slice() {
		sum += v
	}
	if want := 3 * (each * (each - 1) / 2); sum != want || a.At(each) != 0 || a.At(2*each-1) != each-1 {
		t.Errorf("the sum is %d, want %d", sum, want)
	}
}

// giver starts a process that makes an array and sends a part of it. kill kills and reaps the
// process.
func giver(t *testing.T) (l *Lock, raw []byte, kill func()) {
	t.Helper()
	l = mustLock(t)
	cmd, tag, line := startHelper(t, "give", l.o)
	raw, err := hex.DecodeString(line())
	if err != nil {
		t.Fatal(err)
	}
	return l, raw, func() {
		cmd.Process.Kill()
		cmd.Wait()
		l.p.Table().Reap(tag)
	}
}

func TestArrayOfKilledProcess(t *testing.T) {
	noArrays(t)
	l, raw, kill := giver(t)
	a := mustArray[int](t)(receive[int](l.p, raw))
	kill()
	if a.Len() != 1<<19 || a.At(1<<19-1) != 7 {
		t.Fatal("the array is not what it was")
	}
	again := mustArray[int](t)(receive[int](l.p, raw)) // this process has it already
	again.Set(0, 1)
	if a.At(0) != 1 {
		t.Error("it is another array")
	}
	t.Setenv(dataVariable, hex.EncodeToString(raw))
	cmd, tag, line := startHelper(t, "fill", l.o)
	if s := line(); s != "done" {
		t.Errorf("another process receives what its maker, which was killed, has sent: %s", s)
	}
	cmd.Wait()
	l.p.Table().Reap(tag)
	if a.Close(); mappedArrays(t) != 1 {
		t.Error("unmapped while another uses it")
	}
	again.Close()
}

// Decoding fails for bytes that are not a handle, and for handles other than the one that was sent,
// of objects of this table.
func FuzzArrayHandle(f *testing.F) {
	a := mustArray[uint16](f)(NewArray[uint16](5000))
	if _, err := NewArray[uint32](0); err != nil { // of another type
		f.Fatal(err)
	}
	mustLock(f)
	h := a.o.Handle()
	f.Add(encoded(f, a), uint64(h.Kind), uint64(h.Unit), uint64(h.Generation), uint64(4999), uint64(2))
	f.Add(encoded(f, a.Sub(17, 23)), uint64(h.Kind), uint64(h.Unit), uint64(h.Generation), uint64(1<<64-1), uint64(2))
	f.Add([]byte("\x93\x94"), uint64(h.Kind), uint64(h.Unit), uint64(h.Generation), uint64(2), uint64(1<<64-2))
	f.Add([]byte{}, uint64(h.Kind), uint64(h.Unit)+1, uint64(0), uint64(0), uint64(0))
	f.Add([]byte{0xdc}, uint64(h.Kind), uint64(1<<32-1), uint64(0), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, raw []byte, kind, unit, generation, first, length uint64) {
		for _, raw := range [][]byte{raw, encoded(t, []any{[]any{h.Table, kind, unit, generation}, first, length})} {
			var got Array[uint16]
			if msgpack.Unmarshal(raw, &got) != nil || got.p == nil {
				continue
			}
			all := a.Slice()
			for i := range got.Slice() {
				if &got.Slice()[i] != &all[got.first+i] {
					t.Fatal("a mapping out of range")
				}
			}
			var v Value[int]
			if msgpack.Unmarshal(raw, &v) == nil && v.p != nil {
				v.Load()
			}
		}
	})
}

// The same work on 100 MB in place, on the heap and in an array.
func BenchmarkArray(b *testing.B) {
	const n = 100 << 20 / 8
	a := mustArray[float64](b)(NewArray[float64](n))
	defer a.Close()
	work := func(b *testing.B, x []float64) {
		for i := range x {
			x[i] = 1
		}
		b.SetBytes(n * 8)
		for b.Loop() {
			for i, v := range x {
				x[i] = v*0.999 + 0.001
			}
		}
	}
	b.Run("heap", func(b *testing.B) { work(b, make([]float64, n)) })
	b.Run("Slice", func(b *testing.B) { work(b, a.Slice()) })
	b.Run("At", func(b *testing.B) {
		for b.Loop() {
			a.At(7)
		}
	})
}
