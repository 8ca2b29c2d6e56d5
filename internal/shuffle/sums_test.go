package shuffle

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// merged maps and reduces pairs, which are cut into so many chunks, as a job does.
func merged(t *testing.T, merge Merge, chunks int, limit int, keys []string, values []uint64) map[string]uint64 {
	t.Helper()
	seed := Seed{rand.Uint64(), rand.Uint64()}
	memory, err := NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	files := Files{memory}
	defer files.Free()
	w := NewWriter(memory, 0, limit)
	sums := NewSums(seed, merge, w)
	var partitions [Partitions][]Extent
	for chunk := range chunks {
		for i := chunk; i < len(keys); i += chunks {
			buffer := []byte(keys[i])
			sums.Add(borrow(buffer), values[i])
			clear(buffer) // the key was read only during the call
		}
		sums.Flush()
		parts, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			partitions[p.Partition] = append(partitions[p.Partition], p.Extent)
		}
	}
	results := make(map[string]uint64)
	m := NewMerger(seed, merge)
	out := new(Buffer)
	to := NewWriter(out, 0, limit)
	for p, extents := range partitions {
		for _, e := range extents {
			block, err := files.Read(e, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Add(block); err != nil {
				t.Fatal(err)
			}
		}
		keys := m.Write(to)
		if _, err := to.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := Each(out.Bytes, func(key []byte, v uint64, _ []byte) {
			if _, twice := results[string(key)]; twice {
				t.Errorf("key %q is there twice", key)
			}
			if PartitionOf(Hash(seed, string(key))) != p {
				t.Errorf("key %q is in partition %d", key, p)
			}
			results[string(key)] = v
			keys--
		}); err != nil || keys != 0 {
			t.Errorf("partition %d: %v, %d more keys were announced", p, err, keys)
		}
		out.Bytes = out.Bytes[:0]
	}
	return results
}

func inMap(merge Merge, keys []string, values []uint64) map[string]uint64 {
	want := make(map[string]uint64)
	for i, k := range keys {
		if v, ok := want[k]; ok {
			want[k] = merge.of(v, values[i])
		} else {
			want[k] = values[i]
		}
	}
	return want
}

var exactMerges = []Merge{Sum, Min, Max, MinUnsigned, MaxUnsigned, MinFloat, MaxFloat}

func TestSumsEqualMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, different := range []int{1, 300, 100_000} {
		for _, longest := range []int{3, 15, 40} {
			for _, merge := range exactMerges {
				keys, values := make([]string, 150_000), make([]uint64, 150_000)
				for i := range keys {
					n := random.IntN(different)
					keys[i] = fmt.Sprint(n, strings.Repeat("x", n%longest))
					if values[i] = 1; n%3 == 0 {
						values[i] = math.Float64bits(random.NormFloat64())
					}
				}
				got, want := merged(t, merge, 3, 0, keys, values), inMap(merge, keys, values)
				if !maps.Equal(got, want) {
					t.Errorf("%d keys of up to %d bytes, merge %d: %d keys, want %d, or values differ", different, longest, merge, len(got), len(want))
				}
			}
		}
	}
}

// Where keys are rarely met again, the table is not asked, and where they are, it is.
func TestBypass(t *testing.T) {
	s := NewSums(Seed{1, 2}, Sum, NewWriter(new(Buffer), 0, 0))
	for i := range 3 * hotSlots {
		s.Add(fmt.Sprint(i), 1)
	}
	if !s.bypass {
		t.Error("the table is asked for keys that are all different")
	}
	s.Flush()
	for i := range 3 * hotSlots {
		s.Add(fmt.Sprint(i%1000), 1)
	}
	if s.bypass || s.full || s.hot.used != 1000 {
		t.Errorf("1,000 keys: %v, %v, %d", s.bypass, s.full, s.hot.used)
	}
}

// FuzzSums checks keys of any bytes against a plain map. The input holds keys, each after its
// length, and values.
func FuzzSums(f *testing.F) {
	f.Add([]byte("\x03abc1\x00-\x02abq"), uint8(0), uint8(1))
	f.Add([]byte("\x10sixteen bytes ok1\x11seventeen bytes 1x\x0ffifteen bytes..z"), uint8(1), uint8(2))
	f.Add(append([]byte{200}, make([]byte, 400)...), uint8(2), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, merge, chunks uint8) {
		var keys []string
		var values []uint64
		for len(in) > 0 {
			n := min(int(in[0]), len(in)-1)
			key := in[1 : 1+n]
			in = in[1+n:]
			var v [8]byte
			in = in[copy(v[:], in):]
			keys, values = append(keys, string(key)), append(values, binary.LittleEndian.Uint64(v[:]))
		}
		m := exactMerges[int(merge)%5] // NaN has many forms
		for _, limit := range []int{0, 64} {
			if got, want := merged(t, m, 1+int(chunks%5), limit, keys, values), inMap(m, keys, values); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})
}

// Damaged records are an error, not a panic.
func FuzzDamaged(f *testing.F) {
	f.Add([]byte{7, 'a', 'b', 'c', 2})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, block []byte) {
		err := Each(block, func(_ []byte, _ uint64, _ []byte) {})
		if merr := NewMerger(Seed{}, Sum).Add(block); (merr == nil) != (err == nil) {
			t.Errorf("%v, %v", err, merr)
		}
	})
}

func TestUncommittedIsDropped(t *testing.T) {
	b := new(Buffer)
	w := NewWriter(b, 3, 0)
	w.Append(5, []byte("lost"), make([]byte, 2*maxBlock))
	w.Append(5, []byte("lost"), nil)
	w.Discard()
	w.Append(9, []byte("kept"), nil)
	w.Append(7, []byte("a"), make([]byte, maxBlock))
	parts, err := w.Commit()
	if err != nil || len(parts) != 2 {
		t.Fatalf("%v, %v", parts, err)
	}
	for _, p := range parts {
		got := string(b.Bytes[p.Offset : p.Offset+int64(p.Length)])
		if p.File != 3 || p.Partition == 9 && got != "kept" || p.Partition == 7 && len(got) != 1+maxBlock {
			t.Errorf("%+v holds %.10q", p, got)
		}
	}
	if parts, err := w.Commit(); err != nil || len(parts) > 0 {
		t.Errorf("a second Commit: %v, %v", parts, err)
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, different := range []int{1000, 30_000, 10_000_000} {
		keys := make([]string, 1<<20)
		for i := range keys {
			keys[i] = fmt.Sprintf("w%x", rand.IntN(different)*2654435761%(1<<40))
		}
		b.Run(fmt.Sprint(different), func(b *testing.B) {
			out := new(Buffer)
			s := NewSums(Seed{1, 2}, Sum, NewWriter(out, 0, 0))
			for i := range b.N {
				if i%(1<<20) == 0 {
					out.Bytes = out.Bytes[:0]
				}
				s.Add(keys[i%(1<<20)], 1)
			}
		})
	}
}
