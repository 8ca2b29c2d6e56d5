package manager

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// A census counts what the process of a server uses.
type census struct {
	Goroutines  int
	Descriptors int
	RSS         int64 // bytes
	Heap        int64 // reachable bytes
	Most        int64 // the largest heap so far, in bytes
}

func (c census) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d KiB resident, %d KiB of heap",
		c.Goroutines, c.Descriptors, c.RSS>>10, c.Heap>>10)
}

// takeCensus runs in the server that is asked.
var takeCensus = Func("test census", func(context.Context, struct{}) (census, error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c := census{Goroutines: runtime.NumGoroutine(), Heap: int64(m.HeapAlloc), Most: int64(m.HeapSys)}
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return c, err
	}
	c.Descriptors = len(descriptors)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return c, err
	}
	pages, err := strconv.ParseInt(string(bytes.Fields(statm)[1]), 10, 64)
	c.RSS = pages * int64(os.Getpagesize())
	return c, err
})

// settles fails the test unless the server that c is connected to gets back to the number of
// goroutines and descriptors that it had.
func settles(t *testing.T, c Conn, had census) {
	t.Helper()
	ctx := within(t)
	for {
		has, err := takeCensus.Call(ctx, c, struct{}{})
		if err != nil {
			t.Errorf("the server does not get back to %v: %v", had, err)
			return
		}
		if has.Goroutines <= had.Goroutines && has.Descriptors <= had.Descriptors {
			return
		}
		select {
		case <-ctx.Done():
			t.Errorf("the server has %v; it had %v", has, had)
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}
