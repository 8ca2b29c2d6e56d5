package mapreduce

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

var reversed = Func(func(b []byte) []byte {
	r := make([]byte, len(b))
	for i := range b {
		r[len(b)-1-i] = b[i]
	}
	return r
})

// bigArgs are n arguments of up to 2 MiB, of which some are small.
func bigArgs(n int) (args [][]byte) {
	random := rand.New(rand.NewPCG(3, 3))
	for i := range n {
		b := make([]byte, []int{10, 60 << 10, 64 << 10, 300 << 10, 2 << 20}[i%5]+random.IntN(1000))
		for j := range b {
			b[j] = byte(random.Uint32())
		}
		args = append(args, b)
	}
	return args
}

func checkReversed(t *testing.T, args, got [][]byte) {
	t.Helper()
	if len(got) != len(args) {
		t.Fatalf("%d results of %d", len(got), len(args))
	}
	for i, b := range got {
		if len(b) != len(args[i]) {
			t.Fatalf("item %d: %d bytes of %d", i, len(b), len(args[i]))
		}
		for j := range b {
			if b[j] != args[i][len(b)-1-j] {
				t.Fatalf("item %d of %d bytes is wrong at %d", i, len(b), j)
			}
		}
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
		got, err := reversed.Map(t.Context(), p, args, Chunksize(size))
		if err != nil {
			t.Fatal(err)
		}
		checkReversed(t, args, got)
	}
}

// Workers are killed while large messages are on their way: all results are there, and no block is used by two.
func TestLargeMessagesSurviveKills(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	args := bigArgs(100)
	p := newPool(t, Retries(1000), silent())
	stop := make(chan bool)
	var killer sync.WaitGroup
	killer.Go(func() {
		random := rand.New(rand.NewPCG(4, 4))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(20+random.IntN(40)) * time.Millisecond):
			}
			if all := p.Stats().Workers; len(all) > 0 { // that are ready: the pool gives up when none gets that far
				_ = syscall.Kill(all[random.IntN(len(all))].PID, syscall.SIGKILL)
			}
		}
	})
	for range 8 {
		got, err := reversed.Map(context.Background(), p, args)
		if err != nil {
			t.Error(err)
			break
		}
		checkReversed(t, args, got)
	}
	close(stop)
	killer.Wait()
	if lost := p.Stats().Lost; lost == 0 {
		t.Error("no worker was killed")
	}
}
