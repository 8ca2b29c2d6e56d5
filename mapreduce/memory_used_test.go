//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

// A use is what a task does that takes memory.
type use struct {
	MiB int
	End string
}

var useTask = Func(func(u use) int {
	touch(u.MiB)
	switch u.End {
	case "exit":
		os.Exit(3)
	case "SIGKILL":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return u.MiB
})

// touch takes memory, and returns when all of it is in use.
func touch(mib int) []byte {
	b := make([]byte, mib<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b
}

const driverMiB = 128

func init() {
	scenarios["large driver"] = func() {
		Main(func(ctx context.Context) error {
			touch(driverMiB)
			pool, err := NewPool(ctx, Procs(1), Retries(0), silent())
			if err != nil {
				return err
			}
			defer pool.Close()
			for _, end := range []string{"", "exit", "SIGKILL"} {
				for _, mib := range []int{1, driverMiB + 64} {
					p, err := useTask.Start(ctx, use{mib, end})
					if err != nil {
						return err
					}
					<-p.Done()
					exit, _ := p.Exit()
					of := [2]int64{exit.MaxRSS}
					if end != "" {
						_, err = useTask.Apply(ctx, pool, use{mib, end})
						if lost, ok := errors.AsType[*WorkerLostError](err); ok {
							of[1] = lost.MaxRSS
						}
					}
					fmt.Println("used", mib, of[0]>>20, of[1]>>20, end)
				}
			}
			return nil
		})
	}
}

// The memory of a worker is its own, though the kernel's count begins with that of the driver.
func TestMaxRSSIsTheWorkersOwn(t *testing.T) {
	checkLeaks(t)
	p := start(t, "large driver", thisBinary(nil))
	for _, line := range p.await("used", 6) {
		var mib, process, worker int
		var end string
		_, _ = fmt.Sscan(line, &mib, &process, &worker, &end)
		all := []int{process, worker}
		if end == "" {
			all = all[:1] // no worker was lost
		}
		for _, got := range all {
			if small := mib < driverMiB; small && (got <= 0 || got >= driverMiB) || !small && (got < mib || got > 2*mib) {
				t.Errorf("one that used %d MiB and ended by %q is said to have used %d", mib, end, got)
			}
		}
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d; stderr:\n%s", code, &p.stderr)
	}
}
