//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Workers die at random during many calls, and all results are right.
func TestFaultRandomKills(t *testing.T) {
	checkLeaks(t)
	calls, kills := 200, 30
	if testing.Short() {
		calls, kills = 20, 10
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := newPool(t, Retries(100), silent())
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		killer := rand.New(rand.NewPCG(seed, 1))
		for range kills {
			// This kills workers no faster than they start: ten in a row that never answered end
			// the pool, as they should.
			time.Sleep(time.Duration(20+killer.IntN(20)) * time.Millisecond)
			if workers := p.Workers(); len(workers) > 0 {
				_ = syscall.Kill(workers[killer.IntN(len(workers))].PID, syscall.SIGKILL)
			}
		}
	}()
	done := 0
	for over := false; !over || done < calls; done++ {
		n := 1 + random.IntN(200)
		want, items := numbers(n), deeds("", n, "", 0)
		size := Chunksize(random.IntN(12))
		var got []trace
		var err error
		switch done % 3 {
		case 0:
			got, err = deedTask.Map(t.Context(), p, items, size)
		case 1:
			var failed TaskErrors
			got, failed, err = collect(deedTask.Imap(t.Context(), p, slices.Values(items), size))
			if len(failed) > 0 {
				err = failed
			}
		case 2:
			sums, jerr := deedsInJob.Run(t.Context(), p, deedJob{}, items, size)
			if serial := serially(t, deedJob{}, items); jerr != nil || !maps.Equal(sums, serial) {
				t.Errorf("call %d, a job: %v, %v; want %v", done, sums, jerr, serial)
			}
		}
		if done%3 != 2 && (err != nil || !slices.EqualFunc(got, want, func(r trace, n int) bool { return r.N == n })) {
			t.Errorf("call %d of %d items: %v, %v", done, n, got, err)
		}
		if t.Failed() {
			break
		}
		select {
		case <-killed:
			over = true
		default:
		}
	}
	<-killed
	t.Logf("%d calls: %+v", done, p.Stats())
	checkUsable(t, p)
}

// With all verbs, options and faults at random, the results are those of a loop.
func TestFaultModel(t *testing.T) {
	checkLeaks(t)
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	for range rounds {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		modelRound(t, random)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func modelRound(t *testing.T, random *rand.Rand) {
	inProcess := random.IntN(4) == 0
	options := []PoolOption{silent(), Procs(1 + random.IntN(4)), Retries(1 + random.IntN(3)), Chunksize(random.IntN(20))}
	if inProcess {
		options = append(options, InProcess())
	}
	if random.IntN(2) == 0 {
		options = append(options, Spares(1+random.IntN(2)))
	}
	if random.IntN(2) == 0 {
		options = append(options, MaxTasksPerWorker(1+random.IntN(50)))
	}
	p, err := NewPool(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	for range 4 {
		n := random.IntN(100)
		items := deeds("", n, "", 0)
		var failing []int
		for i := range items {
			switch r := random.IntN(100); {
			case r < 3:
				items[i].Do, items[i].Times = "error", 1000
				failing = append(failing, i)
			case r < 5 && !inProcess:
				items[i].Do, items[i].Times = exits[random.IntN(len(exits))].do, 1
			}
		}
		modelVerb(t, p, random, items, failing)
	}
}

// modelVerb computes items by a random verb; those at failing fail.
func modelVerb(t *testing.T, p *Pool, random *rand.Rand, items []deed, failing []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangTime)
	defer cancel()
	verb := []string{"Map", "MapAsync", "Imap", "ImapUnordered", "Apply", "ApplyAsync", "Fold", "Job"}[random.IntN(8)]
	results := make(map[int]int)
	var failed []int
	take := func(i int, r trace, err error) {
		if err == nil {
			results[i] = r.N
		} else if e, ok := errors.AsType[*TaskError](err); ok && e.Msg == "an error of the task" {
			failed = append(failed, i)
		} else {
			t.Errorf("%s: item %d: %v", verb, i, err)
		}
	}
	takeAll := func(all []trace, err error) {
		errs, _ := errors.AsType[TaskErrors](err)
		at := make(map[int]error)
		for _, e := range errs {
			at[e.Index] = e
		}
		if err != nil && len(errs) == 0 {
			t.Errorf("%s: %v", verb, err)
		}
		for i, r := range all {
			take(i, r, at[i])
		}
	}
	switch verb {
	case "Map":
		takeAll(deedTask.Map(ctx, p, items))
	case "MapAsync":
		takeAll(deedTask.MapAsync(ctx, p, items).Get(ctx))
	case "Imap":
		i := 0
		for r, err := range deedTask.Imap(ctx, p, slices.Values(items)) {
			take(i, r, err)
			i++
		}
	case "ImapUnordered":
		for item, err := range deedTask.ImapUnordered(ctx, p, slices.Values(items)) {
			take(item.Index, item.Value, err)
		}
	case "Apply":
		for i := range items {
			r, err := deedTask.Apply(ctx, p, items[i])
			take(i, r, err)
		}
	case "ApplyAsync":
		var futures []*Future[trace]
		for i := range items {
			futures = append(futures, deedTask.ApplyAsync(ctx, p, items[i]))
		}
		for i, f := range futures {
			r, err := f.Get(ctx)
			take(i, r, err)
		}
	case "Fold":
		checkFold(ctx, t, p, items, failing)
		return
	case "Job":
		sums, err := deedsInJob.Run(ctx, p, deedJob{}, items)
		if len(failing) > 0 {
			if e, ok := errors.AsType[*TaskError](err); !ok || !slices.Contains(failing, e.Index) {
				t.Errorf("job: error %v, want that of one of the items %v", err, failing)
			}
		} else if want := serially(t, deedJob{}, plain(items)); err != nil || !maps.Equal(sums, want) {
			t.Errorf("job: %v, %v; want %v", sums, err, want)
		}
		return
	}
	slices.Sort(failed)
	want := make(map[int]int)
	for i := range items {
		if !slices.Contains(failing, i) {
			want[i] = i
		}
	}
	if !maps.Equal(results, want) || !slices.Equal(failed, failing) {
		t.Errorf("%s of %d items, pool %+v: failed %v, want %v; results %v", verb, len(items), p.supervisor.options, failed, failing, results)
	}
}

// checkFold checks that a fold stops at the first failing item.
func checkFold(ctx context.Context, t *testing.T, p *Pool, items []deed, failing []int) {
	t.Helper()
	got, err := Fold(ctx, p, deedTask, slices.Values(items), nil, func(all []int, r trace) ([]int, error) { return append(all, r.N), nil })
	want := numbers(len(items))
	if len(failing) > 0 {
		want = want[:failing[0]]
	}
	if !slices.Equal(got, want) || (err == nil) != (len(failing) == 0) {
		t.Errorf("Fold of %d items: %v, %v; want %v", len(items), got, err, want)
	}
}

// plain returns the items without their deeds.
func plain(items []deed) []deed {
	items = slices.Clone(items)
	for i := range items {
		items[i].Do = ""
	}
	return items
}
