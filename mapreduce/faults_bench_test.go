//go:build linux

package mapreduce

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkKilledWorker measures how much longer a call of one item takes if its worker is killed
// once.
func BenchmarkKilledWorker(b *testing.B) {
	for _, spares := range []int{0, 1} {
		b.Run(fmt.Sprintf("spares=%d", spares), func(b *testing.B) {
			p := newPool(b, Procs(1), Spares(spares), silent())
			var alone, killed time.Duration
			for b.Loop() {
				alone += timeApply(b, p, deed{})
				killed += timeApply(b, p, deed{Do: "SIGKILL", Times: 1})
				time.Sleep(20 * time.Millisecond) // the next spare starts meanwhile
			}
			b.ReportMetric((killed-alone).Seconds()*1e3/float64(b.N), "extra-ms")
			b.ReportMetric(alone.Seconds()*1e3/float64(b.N), "alone-ms")
		})
	}
}

func timeApply(b *testing.B, p *Pool, d deed) time.Duration {
	start := time.Now()
	if _, err := deedTask.Apply(b.Context(), p, d); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
