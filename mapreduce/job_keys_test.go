package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"mrrun/internal/shuffle"

	"github.com/vmihailenco/msgpack/v5"
)

// Keys of a job are the same if they are equal after they have arrived, whatever their encodings
// are.

var minus0 = math.Copysign(0, -1)

type (
	floatKey  struct{ X, Y float64 }
	nestedKey struct {
		Name string
		At   [2]floatKey
		Part float32
	}

	// lowerText and lowerMsgpack arrive in lower case.
	lowerText    string
	lowerMsgpack struct{ text string }

	// noisyKey has a different encoding each time.
	noisyKey struct{ N int }

	// hiddenKey holds a float where only == finds it.
	hiddenKey struct{ in any }

	// leftOutKey arrives without its Note.
	leftOutKey struct {
		N    int
		Note string `msgpack:"-"`
	}

	// halfKey arrives as half of what was sent, each time that it is sent.
	halfKey struct{ N int }
)

func (k lowerText) MarshalText() ([]byte, error) { return []byte(k), nil }
func (k *lowerText) UnmarshalText(b []byte) error {
	*k = lowerText(strings.ToLower(string(b)))
	return nil
}

func (k lowerMsgpack) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeString(k.text) }
func (k *lowerMsgpack) DecodeMsgpack(d *msgpack.Decoder) error {
	text, err := d.DecodeString()
	k.text = strings.ToLower(text)
	return err
}

func (k noisyKey) EncodeMsgpack(e *msgpack.Encoder) error {
	return errors.Join(e.EncodeInt(int64(k.N)), e.EncodeInt(time.Now().UnixNano()))
}
func (k *noisyKey) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeInt()
	_, err2 := d.DecodeInt64()
	k.N = n
	return errors.Join(err, err2)
}

func (k hiddenKey) MarshalText() ([]byte, error) { return fmt.Append(nil, k.in), nil }
func (k *hiddenKey) UnmarshalText(b []byte) error {
	x, err := strconv.ParseFloat(string(b), 64)
	k.in = x
	return err
}

func (k halfKey) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeInt(int64(k.N)) }
func (k *halfKey) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeInt()
	k.N = n / 2
	return err
}

// keyed counts keys, with a Combine and with a Reduce.
type keyed[K comparable] struct {
	keys     []K
	combined *Job[combineKeys[K], int, K, int]
	reduced  *Job[reduceKeys[K], int, K, int]
}

var keySets = make(map[reflect.Type]any)

func newKeyed[K comparable](keys ...K) keyed[K] {
	t := reflect.TypeFor[K]()
	keySets[t] = keys
	return keyed[K]{keys, NewJob[combineKeys[K]](t.String()), NewJob[reduceKeys[K]](t.String())}
}

type combineKeys[K comparable] struct{}

func (combineKeys[K]) Map(_ context.Context, n int, emit func(K, int)) error {
	emit(keySets[reflect.TypeFor[K]()].([]K)[n], 1)
	return nil
}

func (combineKeys[K]) Combine(a, b int) int { return a + b }

type reduceKeys[K comparable] struct{ combineMap[K] }

// combineMap is the Map of combineKeys without its Combine.
type combineMap[K comparable] struct{}

func (combineMap[K]) Map(ctx context.Context, n int, emit func(K, int)) error {
	return combineKeys[K]{}.Map(ctx, n, emit)
}

func (reduceKeys[K]) Reduce(_ K, values iter.Seq[int]) (sum int) {
	for n := range values {
		sum += n
	}
	return sum
}

var (
	floatKeys   = newKeyed(0, minus0, 1, minus0, 0)
	float32Keys = newKeyed(0, float32(minus0), -1)
	structKeys  = newKeyed(floatKey{0, 1}, floatKey{minus0, 1}, floatKey{0, -1}, floatKey{1, minus0}, floatKey{1, 0})
	arrayKeys   = newKeyed([2]float64{0, 1}, [2]float64{minus0, 1}, [2]float64{1, 1})
	nestedKeys  = newKeyed(nestedKey{"a", [2]floatKey{{1, minus0}}, 0}, nestedKey{"a", [2]floatKey{{1, 0}, {0, minus0}}, float32(minus0)}, nestedKey{})
	hiddenKeys  = newKeyed(hiddenKey{0.0}, hiddenKey{minus0}, hiddenKey{2.0})
	lowerTexts  = newKeyed[lowerText]("A", "a", "B", "A", "a")
	lowerParts  = newKeyed([2]lowerText{"A", "x"}, [2]lowerText{"a", "X"}, [2]lowerText{"b", "x"})
	lowers      = newKeyed(lowerMsgpack{"Go"}, lowerMsgpack{"GO"}, lowerMsgpack{"go"}, lowerMsgpack{"no"})
	noisyKeys   = newKeyed(noisyKey{1}, noisyKey{2}, noisyKey{1}, noisyKey{1})
	leftOutKeys = newKeyed(leftOutKey{1, "a"}, leftOutKey{1, "b"}, leftOutKey{2, "a"})
	halfKeys    = newKeyed(halfKey{4}, halfKey{5}, halfKey{4}, halfKey{8}, halfKey{2}, halfKey{3})
	nanKeys     = newKeyed([1]float64{math.NaN()}, [1]float64{math.NaN()}, [1]float64{math.NaN()})

	// Keys without such types.
	textKeys    = newKeyed("a", "A", "", "a\xff", "a\xfe", "a")
	boolKeys    = newKeyed(true, false, true)
	int8Keys    = newKeyed[int8](-1, 1, -1)
	uint16Keys  = newKeyed[uint16](1, 65535, 1)
	int32Keys   = newKeyed[int32](-1, 1, -1)
	addrKeys    = newKeyed(netip.MustParseAddr("::1"), netip.MustParseAddr("fe80::1%a"), netip.MustParseAddr("fe80::1%a"), netip.MustParseAddr("fe80::1%b"))
	secondsKeys = newKeyed(time.Second, time.Minute, time.Second)
)

func TestJobKeysMeetByValue(t *testing.T) {
	for procs := 1; procs <= 4; procs++ {
		p := newPool(t, Procs(procs), Chunksize(1))
		checkKeys(t, p, floatKeys, map[float64]int{0: 4, 1: 1})
		checkKeys(t, p, float32Keys, map[float32]int{0: 2, -1: 1})
		checkKeys(t, p, structKeys, map[floatKey]int{{0, 1}: 2, {0, -1}: 1, {1, 0}: 2})
		checkKeys(t, p, arrayKeys, map[[2]float64]int{{0, 1}: 2, {1, 1}: 1})
		checkKeys(t, p, nestedKeys, map[nestedKey]int{{Name: "a", At: [2]floatKey{{X: 1}}}: 2, {}: 1})
		checkKeys(t, p, hiddenKeys, map[hiddenKey]int{{0.0}: 2, {2.0}: 1})
		checkKeys(t, p, lowerTexts, map[lowerText]int{"a": 4, "b": 1})
		checkKeys(t, p, lowerParts, map[[2]lowerText]int{{"a", "x"}: 2, {"b", "x"}: 1})
		checkKeys(t, p, lowers, map[lowerMsgpack]int{{"go"}: 3, {"no"}: 1})
		checkKeys(t, p, noisyKeys, map[noisyKey]int{{1}: 3, {2}: 1})
		checkKeys(t, p, leftOutKeys, map[leftOutKey]int{{N: 1}: 2, {N: 2}: 1})
		checkKeys(t, p, halfKeys, map[halfKey]int{{2}: 3, {4}: 1, {1}: 2})

		checkKeys(t, p, textKeys, map[string]int{"a": 2, "A": 1, "": 1, "a\xff": 1, "a\xfe": 1})
		checkKeys(t, p, boolKeys, map[bool]int{true: 2, false: 1})
		checkKeys(t, p, int8Keys, map[int8]int{-1: 2, 1: 1})
		checkKeys(t, p, uint16Keys, map[uint16]int{1: 2, 65535: 1})
		checkKeys(t, p, int32Keys, map[int32]int{-1: 2, 1: 1})
		checkKeys(t, p, secondsKeys, map[time.Duration]int{time.Second: 2, time.Minute: 1})
		checkKeys(t, p, addrKeys, map[netip.Addr]int{
			netip.MustParseAddr("::1"): 1, netip.MustParseAddr("fe80::1%a"): 2, netip.MustParseAddr("fe80::1%b"): 1})
	}
}

func checkKeys[K comparable](t *testing.T, p *Pool, k keyed[K], want map[K]int) {
	t.Helper()
	combined, reduced := k.run(t, p)
	if !maps.Equal(combined, want) || !maps.Equal(reduced, want) {
		t.Errorf("%d workers: %v combined, %v reduced; want %v", p.supervisor.options.procs, combined, reduced, want)
	}
}

func (k keyed[K]) run(t *testing.T, p *Pool) (combined, reduced map[K]int) {
	t.Helper()
	combined, err1 := k.combined.Run(t.Context(), p, combineKeys[K]{}, numbers(len(k.keys)))
	reduced, err2 := k.reduced.Run(t.Context(), p, reduceKeys[K]{}, numbers(len(k.keys)))
	if err := errors.Join(err1, err2); err != nil {
		t.Errorf("%d workers: %s: %v", p.supervisor.options.procs, k.combined.Name(), err)
	}
	return combined, reduced
}

// Each NaN is a separate key, as in a map.
func TestJobKeysNaN(t *testing.T) {
	for procs := 1; procs <= 3; procs++ {
		combined, reduced := nanKeys.run(t, newPool(t, Procs(procs), Chunksize(2)))
		for _, got := range []map[[1]float64]int{combined, reduced} {
			if len(got) != 3 {
				t.Errorf("%d workers: %v; want three keys", procs, got)
			}
			for _, n := range got {
				if n != 1 {
					t.Errorf("%d workers: %v; want 1 for each", procs, got)
				}
			}
		}
	}
}

// The first of two equal keys is the one in the result, however the input is cut.
func TestJobKeysSameForAnyChunks(t *testing.T) {
	for _, size := range []int{1, 2, 5} {
		combined, reduced := floatKeys.run(t, newPool(t, Procs(2), Chunksize(size)))
		for _, got := range []map[float64]int{combined, reduced} {
			for k := range got {
				if math.Signbit(k) {
					t.Errorf("chunks of %d: %v; want 0, which came before -0", size, got)
				}
			}
		}
	}
}

func TestHashOfEqualKeys(t *testing.T) {
	type wide struct {
		_ int
		A any
		C complex128
		P *int
	}
	a, b := wide{A: minus0, C: complex(0, minus0), P: new(int)}, wide{A: 0.0, P: new(int)}
	*(*int)(unsafe.Pointer(&b)) = 7 // the field that == ignores
	hash := hashOf(reflect.TypeFor[wide]())
	if hash(shuffle.Seed{1, 2}, 0, unsafe.Pointer(&a)) != hash(shuffle.Seed{1, 2}, 0, unsafe.Pointer(&b)) {
		t.Error("two equal keys have two hashes")
	}
	b.A = float32(0)
	if hash(shuffle.Seed{1, 2}, 0, unsafe.Pointer(&a)) == hash(shuffle.Seed{1, 2}, 0, unsafe.Pointer(&b)) {
		t.Error("keys of two types have one hash")
	}
}

// Keys that differ between processes are refused where the job is registered.

type pointingKey struct{ at *int }

func (pointingKey) MarshalText() ([]byte, error) { return []byte{}, nil }
func (k *pointingKey) UnmarshalText(text []byte) error {
	k.at = new(int)
	return nil
}

func TestJobKeysRefused(t *testing.T) {
	for name, test := range map[string]struct {
		register func()
		want     []string
	}{
		"pointer":                 {refusedKey[*int], []string{"*int: a pointer used as a key"}},
		"pointer in a struct":     {refusedKey[struct{ A, B *int }], []string{".A", "pointer used as a key"}},
		"pointer in an array":     {refusedKey[[2]struct{ P *string }], []string{"[].P", "pointer used as a key"}},
		"pointer that is encoded": {refusedKey[pointingKey], []string{"pointingKey.at", "pointer used as a key"}},
		"time":                    {refusedKey[time.Time], []string{"time.Time as key", "UnixNano"}},
		"time in a struct":        {refusedKey[struct{ At time.Time }], []string{".At", "time.Time as key"}},
		"interface":               {refusedKey[any], []string{"interface"}},
	} {
		got := fmt.Sprint(recovered(test.register))
		for _, want := range append(test.want, "its key:", "job_keys_test.go:") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: panic %q does not say %q", name, got, want)
			}
		}
	}
}

func refusedKey[K comparable]() { NewJob[combineKeys[K]]("refused") }
