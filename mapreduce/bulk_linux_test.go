package mapreduce

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

var cloned = Func(func(b []byte) []byte { return bytes.Clone(b) })

// bigArgs are n arguments of up to 2 MiB, of which some are small.
func bigArgs(n int) (args [][]byte) {
	random := rand.New(rand.NewPCG(3, 3))
	for i := range n {
		b := make([]byte, []int{10, 60 << 10, 64 << 10, 300 << 10, 2 << 20}[i%5]+random.IntN(1000))
		for j := 0; j < len(b); j += 100 {
			b[j] = byte(random.Uint32())
		}
		args = append(args, b)
	}
	return args
}

func checkCloned(t *testing.T, args, got [][]byte) {
	t.Helper()
	if !slices.EqualFunc(args, got, bytes.Equal) {
		t.Fatal("the results are not the arguments")
	}
}

// checkMessagesUnmapped fails the test if it leaves memory of large messages mapped.
func checkMessagesUnmapped(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		maps, err := os.ReadFile("/proc/self/maps")
		if n := bytes.Count(maps, []byte("mrrun message")); err != nil || n > 0 {
			t.Errorf("%d blocks of messages are mapped, %v", n, err)
		}
	})
}

func TestLargeArgumentsAndResults(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	args := bigArgs(60)
	p := newPool(t)
	for _, size := range []int{0, 1, 7} {
		got, err := cloned.Map(t.Context(), p, args, Chunksize(size))
		if err != nil {
			t.Fatal(err)
		}
		checkCloned(t, args, got)
	}
}

// Workers are killed while large messages are on their way: all results are there, and no block is used by two.
func TestLargeMessagesSurviveKills(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	args := bigArgs(100)
	p := newPool(t, Retries(1000), silent())
	stop := killWorkers(t, p)
	for range 4 {
		got, err := cloned.Map(context.Background(), p, args)
		if err != nil {
			t.Error(err)
			break
		}
		checkCloned(t, args, got)
	}
	stop()
}

// killWorkers kills one worker of the pool after the other until stop, which fails the test if there was none to kill.
func killWorkers(t *testing.T, p *Pool) (stop func()) {
	over := make(chan bool)
	var killer sync.WaitGroup
	killer.Go(func() {
		random := rand.New(rand.NewPCG(4, 4))
		done := 0 // items, at the last kill: the pool gives up when no worker gets anywhere
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(5+random.IntN(20)) * time.Millisecond):
			}
			if s := p.Stats(); len(s.Workers) > 0 && s.Done > done {
				_ = syscall.Kill(s.Workers[random.IntN(len(s.Workers))].PID, syscall.SIGKILL)
				done = s.Done
			}
		}
	})
	return func() {
		close(over)
		killer.Wait()
		if lost := p.Stats().Lost; lost == 0 {
			t.Error("no worker was killed")
		}
	}
}
