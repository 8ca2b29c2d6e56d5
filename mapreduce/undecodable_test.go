//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// A stamp is sent as two values by its type's methods, which cannot decode one of its numbers.
type stamp struct {
	N    int
	Wide bool
}

const tornStamp = 13

var errTorn = errors.New("the stamp is torn")

func (s stamp) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(s.N, s.Wide) }

func (s *stamp) DecodeMsgpack(d *msgpack.Decoder) error {
	if err := d.Decode(&s.N); err != nil {
		return err
	}
	if s.N == tornStamp {
		return fmt.Errorf("decode it: %w", errTorn) // and leave the second value
	}
	return d.Decode(&s.Wide)
}

// A seal is a stamp that can be a key.
type seal struct{ N int }

func (s seal) MarshalText() ([]byte, error) { return fmt.Append(nil, s.N), nil }

func (s *seal) UnmarshalText(text []byte) error {
	if _, err := fmt.Sscan(string(text), &s.N); err != nil || s.N != tornStamp {
		return err
	}
	return errTorn
}

// stampInput receives stamps, and sealOutput emits seals.
type (
	stampInput struct{}
	sealOutput struct{}
)

func (stampInput) Map(_ context.Context, s stamp, emit func(int, int)) error {
	emit(s.N, 1)
	return nil
}

func (stampInput) Reduce(_ int, values iter.Seq[int]) int { return countOf(values) }

func (sealOutput) Map(_ context.Context, n int, emit func(seal, int)) error {
	emit(seal{n}, 1)
	return nil
}

func (sealOutput) Reduce(_ seal, values iter.Seq[int]) int { return countOf(values) }

func countOf(values iter.Seq[int]) (n int) {
	for range values {
		n++
	}
	return n
}

var (
	stampTask *Task[stamp, int]
	printTask *Task[int, stamp]
	stampJob  *Job[stampInput, stamp, int, int]
	sealJob   *Job[sealOutput, int, seal, int]
)

func init() {
	RegisterError(errTorn)
	stampTask = Func(numberOf)
	printTask = Func(printStamp)
	stampJob = NewJob[stampInput]("stamps")
	sealJob = NewJob[sealOutput]("seals")
}

func numberOf(s stamp) int       { return s.N }
func printStamp(n int) (s stamp) { return stamp{N: n} }

func stamps(n int) []stamp {
	all := make([]stamp, n)
	for i := range all {
		all[i].N = i
	}
	return all
}

// checkTorn fails the test unless err is that of the one item that does not arrive.
func checkTorn(t *testing.T, what string, err error, index int) {
	t.Helper()
	failed, ok := errors.AsType[*TaskError](err)
	if !ok || failed.Index != index || !errors.Is(err, errTorn) {
		t.Errorf("%s: error %v, want that of item %d", what, err, index)
	}
}

// If the methods of its type cannot decode an argument or a result, only that item fails.
func TestUndecodable(t *testing.T) {
	checkLeaks(t)
	const n = 40
	for kind, option := range map[string]PoolOption{"processes": silent(), "in process": InProcess()} {
		p := newPool(t, option)
		for _, size := range []int{0, 1, 7, n} {
			what := fmt.Sprintf("%s, chunk size %d", kind, size)
			numbersBack, err := stampTask.Map(t.Context(), p, stamps(n), Chunksize(size))
			checkTorn(t, what+", Map of arguments", err, tornStamp)
			stampsBack, err := printTask.Map(t.Context(), p, numbers(n), Chunksize(size))
			checkTorn(t, what+", Map of results", err, tornStamp)
			if len(numbersBack) != n || len(stampsBack) != n {
				t.Fatalf("%s: %d and %d results", what, len(numbersBack), len(stampsBack))
			}
			for i := range n {
				if i != tornStamp && (numbersBack[i] != i || stampsBack[i].N != i) || i == tornStamp && stampsBack[i] != (stamp{}) {
					t.Errorf("%s: item %d is %d and %+v", what, i, numbersBack[i], stampsBack[i])
				}
			}
			i := 0
			for got, err := range printTask.Imap(t.Context(), p, func(yield func(int) bool) {
				for i := range n {
					if !yield(i) {
						return
					}
				}
			}, Chunksize(size)) {
				if i == tornStamp {
					checkTorn(t, what+", Imap", err, i)
				} else if err != nil || got.N != i {
					t.Errorf("%s, Imap: item %d is %+v, %v", what, i, got, err)
				}
				i++
			}
			if i != n {
				t.Errorf("%s, Imap: %d items", what, i)
			}
		}
		_, err := stampTask.Apply(t.Context(), p, stamp{N: tornStamp})
		checkTorn(t, kind+", Apply", err, 0)
		_, err = printTask.ApplyAsync(t.Context(), p, tornStamp).Get(t.Context())
		checkTorn(t, kind+", ApplyAsync", err, 0)
		_, err = stampJob.Run(t.Context(), p, stampInput{}, stamps(n), Chunksize(7))
		checkTorn(t, kind+", a job's input", err, tornStamp)
		_, err = sealJob.Run(t.Context(), p, sealOutput{}, numbers(n), Chunksize(7))
		checkTorn(t, kind+", what a job emits", err, tornStamp)
		if got, err := stampJob.Run(t.Context(), p, stampInput{}, stamps(tornStamp)); len(got) != tornStamp || err != nil {
			t.Errorf("%s, a job of others: %v, %v", kind, got, err)
		}
		checkUsable(t, p)
	}
}

func TestUndecodableInProcessOfItsOwn(t *testing.T) {
	checkLeaks(t)
	argument, err := stampTask.Start(t.Context(), stamp{N: tornStamp}, silent())
	if err != nil {
		t.Fatal(err)
	}
	result, err := printTask.Start(t.Context(), tornStamp, silent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = argument.Wait()
	checkTorn(t, "argument", err, 0)
	_, err = result.Wait()
	checkTorn(t, "result", err, 0)
}
