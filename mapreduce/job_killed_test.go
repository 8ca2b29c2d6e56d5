//go:build linux

package mapreduce

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A deadlyJob counts the pieces that emit each key. Its workers die at random, in Map when they
// have stored some of what it emitted, and in Reduce or Combine. One in so many calls is the last.
type deadlyJob struct{ MapDies, ReduceDies int }

// deadlyCombine is deadlyJob with a Combine only.
type deadlyCombine struct{ deadlyMap }

type deadlyMap struct{ MapDies, ReduceDies int }

// dieSometimes kills this process in one of n calls; for 0 never.
func dieSometimes(n int) {
	if n > 0 && rand.IntN(n) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

var padding = strings.Repeat("-", 2000)

func (j deadlyMap) Map(ctx context.Context, n int, emit func(int, string)) error {
	return deadlyJob(j).Map(ctx, n, emit)
}

func (j deadlyJob) Map(_ context.Context, n int, emit func(int, string)) error {
	for i := range 200 { // 400 KB: several blocks
		dieSometimes(200 * j.MapDies)
		emit(i%5, fmt.Sprint(n*200+i, padding))
	}
	return nil
}

func (j deadlyJob) Reduce(_ int, values iter.Seq[string]) string {
	sum, count := 0, 0
	for v := range values {
		var n int
		_, _ = fmt.Sscanf(v, "%d", &n)
		sum += n
		count++
		dieSometimes(200 * j.ReduceDies)
	}
	return fmt.Sprint(count, " ", sum)
}

func (j deadlyCombine) Combine(a, b string) string {
	dieSometimes(50 * j.ReduceDies)
	return max(a, b)
}

var (
	deadlyReduces  = NewJob[deadlyJob]("deadly reduce")
	deadlyCombines = NewJob[deadlyCombine]("deadly combine")
)

// Workers that are killed at random in both steps neither lose a pair nor count one twice.
func TestJobWorkersKilled(t *testing.T) {
	checkLeaks(t)
	kills := 300
	if testing.Short() {
		kills = 30
	}
	p := newPool(t, Retries(1000), silent())
	in := numbers(12)
	run := func(mapDies, reduceDies int) (reduced, combined map[int]string) {
		reduced, err := deadlyReduces.Run(t.Context(), p, deadlyJob{mapDies, reduceDies}, in, Chunksize(2))
		if err != nil {
			t.Fatal(err)
		}
		combined, err = deadlyCombines.Run(t.Context(), p, deadlyCombine{deadlyMap{mapDies, 10 * reduceDies}}, in)
		if err != nil {
			t.Fatal(err)
		}
		return reduced, combined
	}
	wantReduced, wantCombined := run(0, 0)
	if len(wantReduced) != 5 || !strings.HasPrefix(wantReduced[0], "480 ") {
		t.Fatalf("without kills: %v", wantReduced)
	}
	for i := 0; p.Stats().Lost < kills; i++ {
		mapDies, reduceDies := 0, 3
		if i%2 == 0 {
			mapDies, reduceDies = 3, 0
		}
		reduced, combined := run(mapDies, reduceDies)
		if !maps.Equal(reduced, wantReduced) || !maps.Equal(combined, wantCombined) {
			t.Fatalf("run %d, after %d kills: %v, %v; want %v, %v", i, p.Stats().Lost, reduced, combined, wantReduced, wantCombined)
		}
	}
	t.Logf("%+v", p.Stats())
	checkUsable(t, p)
}
