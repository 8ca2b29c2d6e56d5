package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// wordJob counts words of at least MinLen bytes, with a Combine only. Its Map fails at the word
// "fail".
type wordJob struct{ MinLen int }

func (j wordJob) Map(_ context.Context, text string, emit func(string, int)) error {
	for word := range strings.FieldsSeq(text) {
		switch {
		case word == "fail":
			return errors.New("found the word")
		case word == "panic":
			panic("found it")
		case word == "cancel":
			return context.Canceled
		case len(word) >= j.MinLen:
			emit(word, 1)
		}
	}
	return nil
}

func (wordJob) Combine(a, b int) int { return a + b }

// maxJob finds the largest value of each key, with a Reduce only.
type maxJob struct{ Modulo int }

func (j maxJob) Map(_ context.Context, n int, emit func(int, point)) error {
	emit(n%j.Modulo, point{n, -n})
	emit(n%j.Modulo, point{n - 1, 1 - n})
	return nil
}

func (maxJob) Reduce(_ int, values iter.Seq[point]) point {
	var most point
	for v := range values {
		if v.X > most.X {
			most = v
		}
	}
	return most
}

type point struct{ X, Y int }

// meanJob has both: Combine adds, and Reduce formats the sums.
type meanJob struct{}

type total struct {
	Sum, N int
	Text   string
}

func (meanJob) Map(_ context.Context, n int, emit func(point, total)) error {
	emit(point{n % 5, n % 3}, total{Sum: n, N: 1})
	return nil
}

func (meanJob) Combine(a, b total) total { return total{Sum: a.Sum + b.Sum, N: a.N + b.N} }

func (meanJob) Reduce(key point, values iter.Seq[total]) total {
	var all total
	for v := range values {
		all.Sum += v.Sum
		all.N += v.N
	}
	all.Text = fmt.Sprintf("%d/%d: %.3f", key.X, key.Y, float64(all.Sum)/float64(all.N))
	return all
}

// brokenJob fails where At says.
type brokenJob struct{ At string }

func (j brokenJob) Map(_ context.Context, n int, emit func(int, tricky)) error {
	if j.At == "map" {
		panic("map")
	}
	emit(n%3, tricky{})
	emit(n%3, tricky{On: j.At})
	return nil
}

func (j brokenJob) Reduce(key int, values iter.Seq[tricky]) tricky {
	if j.At == "reduce" && key == 1 {
		panic("no reduce")
	}
	for v := range values {
		return v
	}
	return tricky{}
}

var (
	countWords = NewJob[wordJob]("words")
	findMax    = NewJob[maxJob]("max")
	findMean   = NewJob[meanJob]("mean")
	breakDown  = NewJob[brokenJob]("broken")
)

// texts returns n random lines, of few or of many different words.
func texts(random *rand.Rand, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		words := make([]string, random.IntN(20))
		for k := range words {
			words[k] = strings.Repeat(string(rune('a'+random.IntN(26))), 1+int(random.ExpFloat64()))
		}
		lines[i] = strings.Join(words, " ")
	}
	return lines
}

// serially computes a job in one loop.
func serially[J Mapper[In, K, V], In any, K comparable, V any](t *testing.T, job J, in []In) map[K]V {
	t.Helper()
	values := make(map[K][]V)
	for _, piece := range in {
		if err := job.Map(t.Context(), piece, func(k K, v V) { values[k] = append(values[k], v) }); err != nil {
			t.Fatal(err)
		}
	}
	results := make(map[K]V)
	for k, all := range values {
		if combiner, ok := any(job).(Combiner[V]); ok {
			for len(all) > 1 {
				all = append(all[:len(all)-2], combiner.Combine(all[len(all)-2], all[len(all)-1]))
			}
		}
		results[k] = all[0]
		if reducer, ok := any(job).(Reducer[K, V]); ok {
			results[k] = reducer.Reduce(k, slices.Values(all))
		}
	}
	return results
}

func checkJob[J Mapper[In, K, V], In any, K, V comparable](t *testing.T, p *Pool, j *Job[J, In, K, V], job J, in []In, size int) {
	t.Helper()
	got, err := j.Run(t.Context(), p, job, in, Chunksize(size))
	if err != nil {
		t.Errorf("%s: %v", j.Name(), err)
	} else if want := serially(t, job, in); !maps.Equal(got, want) {
		t.Errorf("%s of %d pieces, chunk size %d: %v, want %v", j.Name(), len(in), size, got, want)
	}
}

func TestJobsEqualSerial(t *testing.T) {
	for _, procs := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			p := newPool(t, Procs(procs))
			random := rand.New(rand.NewPCG(uint64(procs), 1))
			for _, n := range []int{0, 1, 2, 30, 1000} {
				for _, size := range []int{0, 1, 13, 5000} {
					checkJob(t, p, countWords, wordJob{random.IntN(3)}, texts(random, n), size)
					checkJob(t, p, findMax, maxJob{1 + random.IntN(50)}, random.Perm(n), size)
					checkJob(t, p, findMean, meanJob{}, random.Perm(n), size)
				}
			}
		})
	}
}

func TestJobOfNothing(t *testing.T) {
	p := newPool(t)
	got, err := countWords.Run(t.Context(), p, wordJob{}, nil)
	if err != nil || got == nil || len(got) > 0 {
		t.Errorf("%v, %v; want an empty map", got, err)
	}
}

func TestJobsAtOnce(t *testing.T) {
	p := newPool(t)
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(n), 2))
			for range 10 {
				checkJob(t, p, countWords, wordJob{n}, texts(random, 100), n)
			}
		})
	}
}

func TestJobMapFails(t *testing.T) {
	p := newPool(t)
	for _, test := range []struct{ word, want string }{
		{"fail", "found the word"},
		{"panic", "panic: found it"},
		{"cancel", "context canceled"},
	} {
		for _, size := range []int{0, 1, 7, 1000} {
			in := texts(rand.New(rand.NewPCG(1, 3)), 200)
			in[123] = "this will " + test.word
			got, err := countWords.Run(t.Context(), p, wordJob{}, in, Chunksize(size))
			item, ok := errors.AsType[*TaskError](err)
			if got != nil || !ok || item.Index != 123 || item.Input != in[123] || item.Msg != test.want {
				t.Fatalf("%s, chunk size %d: %v, %+v; want piece 123 to fail", test.word, size, got, err)
			}
			if errors.Is(err, context.Canceled) != (test.word == "cancel") {
				t.Errorf("%s: errors.Is(%v, context.Canceled) is wrong", test.word, err)
			}
			if (item.Stack != "") != (test.word == "panic") {
				t.Errorf("%s: stack %q", test.word, item.Stack)
			}
		}
	}
	checkUsable(t, p)
}

func TestJobBreaksElsewhere(t *testing.T) {
	p := newPool(t)
	for at, want := range map[string]string{
		"map":          "panic: map",
		"reduce":       "panic: no reduce",
		"encode error": "it does not want to leave",
		"encode panic": "it really does not want to leave",
		"decode error": "it does not want to arrive",
		"decode panic": "it really does not want to arrive",
	} {
		got, err := breakDown.Run(t.Context(), p, brokenJob{at}, numbers(50))
		if got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want an error about %q", at, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "Params:[") {
			t.Errorf("%s: error %v shows what was sent to the reducer", at, err)
		}
	}
	checkUsable(t, p)
}

func TestJobCancelled(t *testing.T) {
	p := newPool(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("because")
	cancel(because)
	if got, err := countWords.Run(ctx, p, wordJob{}, []string{"a"}); got != nil || err != because {
		t.Errorf("%v, %v; want the cause", got, err)
	}
}

func TestJobPoolClosed(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := countWords.Run(t.Context(), p, wordJob{}, []string{"a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

// meetJob's Map waits for the test.
type meetJob struct{}

func (meetJob) Map(ctx context.Context, at place, emit func(int, int)) error {
	_, err := meetDriver(ctx, at)
	emit(1, 1)
	return err
}

func (meetJob) Combine(a, b int) int { return a + b }

var meetInJob = NewJob[meetJob]("meet")

// A job is one call: a Close during its maps also waits for its reduce.
func TestJobIsOneCall(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	done := make(chan error, 1)
	go func() {
		_, err := meetInJob.Run(t.Context(), p, meetJob{}, []place{m.place()})
		done <- err
	}()
	task := m.await()
	closed := make(chan error, 1)
	go func() { closed <- p.Close() }()
	for {
		if _, err := echo.Map(t.Context(), p, nil); err != nil { // Close has begun
			break
		}
	}
	task.letGo()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Wrong jobs and tasks are refused where they are registered, with the line to mend.
