//go:build linux

package mapreduce

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A chatter says how much an item prints and logs, and whether it ever ends.
type chatter struct {
	Lines, Records int
	ForEver        bool
}

var chat = FuncContext(func(ctx context.Context, c chatter) (int, error) {
	text := strings.Repeat("z", 100_000)
	for range c.Records {
		slog.Info(text)
	}
	for i := 0; i < c.Lines || c.ForEver; i++ {
		fmt.Println(text[:10_000])
	}
	return 1, ctx.Err()
})

// Time that this process spends counts against no item, up to a limit.
func TestTimeoutCountsOwnTime(t *testing.T) {
	checkLeaks(t)
	was := logBurst
	t.Cleanup(func() { logBurst = was }) // after the pool, whose workers read it, is closed
	logBurst = 1 << 20
	const limit, shortLimit = 300 * time.Millisecond, 100 * time.Millisecond
	slowly := func() { time.Sleep(20 * time.Millisecond) }
	sinks := []WorkerOption{
		Output(func(OutputLine) { slowly() }),
		Logger(&recorder{do: func(slog.Record) error { slowly(); return nil }}),
	}
	p := newPool(t, Procs(1), sinks[0].(PoolOption), sinks[1].(PoolOption))
	verbs := map[string]func(c chatter, limit time.Duration) error{
		"pool": func(c chatter, limit time.Duration) error {
			_, err := chat.Apply(t.Context(), p, c, Timeout(limit))
			return err
		},
		"process": func(c chatter, limit time.Duration) error {
			process, err := chat.Start(t.Context(), c, Timeout(limit), sinks[0], sinks[1])
			if err != nil {
				return err
			}
			_, err = process.Wait()
			return err
		},
	}
	for verb, run := range verbs {
		for name, c := range map[string]chatter{"none": {}, "printed": {Lines: 40}, "logged": {Records: 40}} {
			t.Run(verb+" "+name, func(t *testing.T) {
				start := time.Now()
				if err := run(c, limit); err != nil {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		}
		t.Run(verb+" for ever", func(t *testing.T) {
			start := time.Now()
			checkTimeout(t, run(chatter{ForEver: true}, shortLimit))
			if took := time.Since(start); took < 2*shortLimit || took > driverShare*shortLimit+slack {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Nor does time during which the worker is suspended.
func TestTimeoutOfSuspendedWorker(t *testing.T) {
	checkLeaks(t)
	const limit = 500 * time.Millisecond // an item that sleeps takes 300
	p := newPool(t, Procs(1), silent())
	for _, do := range []string{"sleep", "obey", "hang"} {
		t.Run(do, func(t *testing.T) {
			dir := t.TempDir()
			f := deedTask.ApplyAsync(t.Context(), p, deed{Do: do, Times: 1, Dir: dir}, Timeout(limit))
			awaitBegun(t, dir, 0)
			worker := p.Workers()[0].PID
			for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
				if err := syscall.Kill(worker, s); err != nil {
					t.Fatal(err)
				}
				if s == syscall.SIGSTOP {
					time.Sleep(2 * limit)
				}
			}
			resumed := time.Now()
			_, err := f.Get(t.Context())
			took := time.Since(resumed)
			if do == "sleep" {
				if err != nil {
					t.Errorf("%v after it was resumed: %v", took, err)
				}
				return
			}
			checkTimeout(t, err)
			if took > limit+slack {
				t.Errorf("it took %v after it was resumed", took)
			}
		})
	}
	if s := p.Stats(); s.Lost != 1 || s.Retried != 0 {
		t.Errorf("%d workers are lost, %d items tried again", s.Lost, s.Retried)
	}
}

// A late look counts little: it ends neither a running item nor one whose answer is on its way.
func TestTimeoutOfSuspendedDriver(t *testing.T) {
	p := start(t, "timed", thisBinary(nil))
	driver, worker := p.awaitPID("driver", 1)[0], p.awaitPID("worker", 1)[0]
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		for _, pid := range []int{driver, worker} {
			if err := syscall.Kill(pid, s); err != nil {
				t.Fatal(err)
			}
		}
		if s == syscall.SIGSTOP {
			time.Sleep(time.Second)
		}
	}
	if got := p.await("result", 1)[0]; got != "1 <nil>" {
		t.Errorf("result %s", got)
	}
}

func init() {
	scenarios["timed"] = func() {
		Main(func(ctx context.Context) error {
			fmt.Println("driver", syscall.Getpid())
			p, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			defer p.Close()
			n, err := sayAndSleep.Apply(ctx, p, 300*time.Millisecond, Timeout(500*time.Millisecond))
			fmt.Println("result", n, err)
			return err
		})
	}
}

var sayAndSleep = FuncContext(func(ctx context.Context, d time.Duration) (int, error) {
	fmt.Println("worker", syscall.Getpid())
	time.Sleep(d)
	return 1, context.Cause(ctx)
})

// A context derived from that of an item has a deadline like any other.
func TestTimeoutOfDerivedContext(t *testing.T) {
	p := newPool(t, Procs(1))
	if _, err := deriveContexts.Apply(t.Context(), p, 0, Timeout(50*time.Millisecond)); err != nil {
		t.Error(err)
	}
}

var deriveContexts = FuncContext(func(ctx context.Context, _ int) (int, error) {
	type key struct{}
	derived, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
	defer cancel()
	for _, c := range []context.Context{derived, ctx} {
		if c.Err() != nil {
			return 0, fmt.Errorf("too early: %w", c.Err())
		}
	}
	<-derived.Done()
	for _, c := range []context.Context{derived, ctx} {
		if c.Err() != context.DeadlineExceeded || !strings.Contains(context.Cause(c).Error(), "50ms") {
			return 0, fmt.Errorf("%v, %v", c.Err(), context.Cause(c))
		}
	}
	return 0, nil
})
