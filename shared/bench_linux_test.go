package shared

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkLock(b *testing.B) {
	ctx := context.Background()
	b.Run("uncontended", func(b *testing.B) {
		_, l, _ := twoLocks(b)
		for b.Loop() {
			_ = l.Lock(ctx)
			l.Unlock()
		}
	})
	b.Run("two processes", func(b *testing.B) {
		_, l, m := twoLocks(b)
		var stop atomic.Bool
		done := make(chan bool)
		go func() {
			defer close(done)
			for !stop.Load() {
				_ = m.Lock(ctx)
				m.Unlock()
			}
		}()
		for b.Loop() {
			_ = l.Lock(ctx)
			l.Unlock()
		}
		stop.Store(true)
		<-done
	})
	b.Run("goroutines of one process", func(b *testing.B) {
		_, l, _ := twoLocks(b)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = l.Lock(ctx)
				l.Unlock()
			}
		})
	})
}

// BenchmarkLockFairness measures real processes that hold the lock for 250 ns and leave it alone
// for 25 ns. least% is the number of turns of the process with the fewest, in percent of an equal
// share.
func BenchmarkLockFairness(b *testing.B) {
	for _, processes := range []int{2, 4} {
		b.Run(fmt.Sprint(processes), func(b *testing.B) {
			l := mustLock(b)
			for b.Loop() {
				l.mustBe(b, nil) // so that all processes begin together
				l.o.Cold(4).Store(0)
				var kill []func()
				for range processes {
					cmd, tag, _ := startHelper(b, "share", l.o)
					kill = append(kill, func() {
						cmd.Process.Kill()
						cmd.Wait()
						l.p.Table().Reap(tag)
					})
				}
				for i := range processes {
					l.o.Cold(i).Store(0)
				}
				l.Unlock()
				time.Sleep(500 * time.Millisecond)
				for _, k := range kill {
					k()
				}
				if err := l.Lock(context.Background()); err != nil {
					l.MarkConsistent()
				}
				var each []uint64
				sum := uint64(0)
				for i := range processes {
					n := l.o.Cold(i).Load()
					each = append(each, n)
					sum += n
				}
				l.Unlock()
				b.ReportMetric(100*float64(slices.Min(each))*float64(processes)/float64(sum), "least%")
				b.ReportMetric(float64(sum)*2, "locks/s")
			}
		})
	}
}
