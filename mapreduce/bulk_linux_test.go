package mapreduce

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

var cloned = Func(func(b []byte) []byte { return bytes.Clone(b) })

// bigArgs returns n arguments of up to 2 MiB, some of which are small.
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

// messagesMapped counts the blocks of messages that the driver and the workers of a pool have
// mapped.
func messagesMapped(t *testing.T, p *Pool) (n int) {
	t.Helper()
	files := []string{"/proc/self/maps"}
	for _, w := range p.Stats().Workers {
		files = append(files, fmt.Sprintf("/proc/%d/maps", w.PID))
	}
	for _, file := range files {
		maps, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(maps, []byte("mrrun message"))
	}
	return n
}

// The memory of large messages is kept for later ones, and all processes free it when there have
// been none for a while.
func TestIdleSharedMemoryIsGivenBack(t *testing.T) {
	args := bigArgs(20)
	once := func(p *Pool) {
		t.Helper()
		got, err := cloned.Map(t.Context(), p, args)
		if err != nil {
			t.Fatal(err)
		}
		checkCloned(t, args, got)
	}
	for _, d := range []time.Duration{0, 50 * time.Millisecond} {
		p := newPool(t, KeepShared(d))
		for range 2 {
			once(p)
			eventually(t, 10*time.Second, func() error {
				if n := messagesMapped(t, p); n > 0 {
					return fmt.Errorf("%d blocks are mapped, though nobody has used them for %v", n, d)
				}
				return nil
			})
		}
	}
	p := newPool(t)
	once(p)
	if messagesMapped(t, p) == 0 {
		t.Error("nothing is kept for the next ones")
	}
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

// Workers are killed while large messages are on their way: all results arrive, and no two messages
// use the same block.
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

// killWorkers kills one worker of the pool after the other until stop is called. stop fails the
// test if there was none to kill.
func killWorkers(t *testing.T, p *Pool) (stop func()) {
	over := make(chan bool)
	var killer sync.WaitGroup
	killer.Go(func() {
		random := rand.New(rand.NewPCG(4, 4))
		done := 0 // items done at the last kill: the pool gives up if its workers make no progress
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
