package mapreduce

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
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
