//go:build linux

package mapreduce

import (
	"context"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// A placed says where an item ran.
type placed struct{ Place, PID, Attempt int }

var sayPlace = FuncContext(func(ctx context.Context, die bool) (placed, error) {
	w := CurrentWorker(ctx)
	if die && w.Attempt == 1 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return placed{w.Place, w.PID, w.Attempt}, nil
})

// Places are 0 to n-1, whichever workers die or are replaced; no place has two workers at the same
// time.
func TestPlacesStay(t *testing.T) {
	checkLeaks(t)
	const procs = 3
	for name, options := range map[string][]PoolOption{
		"plain": nil, "spares": {Spares(2)}, "recycled": {MaxTasksPerWorker(3)}, "in process": {InProcess()},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, append(options, Procs(procs), silent())...)
			for i := range 10 {
				args := make([]bool, 30)
				args[i] = name != "in process"
				got, err := sayPlace.Map(t.Context(), p, args, Chunksize(1))
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range got {
					if w.Place < 0 || w.Place >= procs {
						t.Fatalf("%+v", w)
					}
				}
			}
		})
	}
}

// Items of a call at a place run there and nowhere else, even after its worker died.
func TestAtPlace(t *testing.T) {
	checkLeaks(t)
	const procs = 3
	p := newPool(t, Procs(procs), silent())
	var calls sync.WaitGroup
	for place := range procs {
		calls.Go(func() {
			args := make([]bool, 20)
			args[7] = true
			got, err := sayPlace.Map(t.Context(), p, args, AtPlace(place), Chunksize(2))
			if err != nil {
				t.Error(err)
			}
			if i := slices.IndexFunc(got, func(w placed) bool { return w.Place != place }); i >= 0 {
				t.Errorf("an item for place %d ran on %+v", place, got[i])
			}
			if len(got) == len(args) && (got[7].Attempt != 2 || got[0].PID == got[19].PID) {
				t.Errorf("no worker has died: %v", got)
			}
			one, err := sayPlace.Apply(t.Context(), p, false, AtPlace(place))
			if err != nil || one.Place != place {
				t.Errorf("Apply at place %d: %+v, %v", place, one, err)
			}
		})
	}
	if _, err := sayPlace.Map(t.Context(), p, make([]bool, 50)); err != nil { // other calls go on
		t.Error(err)
	}
	calls.Wait()
}

func TestNoSuchPlace(t *testing.T) {
	p := newPool(t, Procs(2), silent())
	for _, n := range []int{-1, 2, MaxProcs} {
		if got, err := sayPlace.Apply(t.Context(), p, false, AtPlace(n)); err == nil {
			t.Errorf("place %d: %+v", n, got)
		}
	}
	if err := p.Resize(4); err != nil {
		t.Fatal(err)
	}
	if got, err := sayPlace.Apply(t.Context(), p, false, AtPlace(3)); err != nil || got.Place != 3 {
		t.Errorf("after Resize(4): %+v, %v", got, err)
	}
	if err := p.Resize(1); err != nil {
		t.Fatal(err)
	}
	if got, err := sayPlace.Apply(t.Context(), p, false, AtPlace(3)); err == nil {
		t.Errorf("after Resize(1): %+v", got)
	}
	checkUsable(t, p)
}
