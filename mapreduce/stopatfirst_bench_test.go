package mapreduce

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"
)

// failAfter waits for the end of its context; 0 fails once others are under way, and says when.
var failAfter = FuncContext(failNow)

func failNow(ctx context.Context, n int) (int, error) {
	if n > 0 {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	time.Sleep(20 * time.Millisecond)
	return 0, errors.New(strconv.FormatInt(time.Now().UnixNano(), 10))
}

// BenchmarkStopAtFirst32 is how long after an item's failure Map returns, while 31 workers are busy
// and most items wait. It reports the longest and the median time.
func BenchmarkStopAtFirst32(b *testing.B) {
	const procs, each = 32, 100
	p := newPool(b, Procs(procs))
	args := slices.Repeat([]int{1}, procs*each)
	args[0] = 0
	var took []float64
	for b.Loop() {
		_, err := failAfter.Map(b.Context(), p, args, Chunksize(1), StopAtFirst())
		failed, ok := errors.AsType[*TaskError](err)
		if !ok {
			b.Fatal(err)
		}
		at, err := strconv.ParseInt(failed.Msg, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, float64(time.Since(time.Unix(0, at)).Microseconds())/1000)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)-1], "ms-longest")
	b.ReportMetric(took[len(took)/2], "ms-median")
}
