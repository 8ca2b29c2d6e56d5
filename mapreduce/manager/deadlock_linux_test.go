package manager

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"mrrun/mapreduce"
)

// A textLog keeps the log of a server.
type textLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *textLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *textLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Clients that take locks in a ring are reported once, with the holder of each lock. A chain
// without a cycle, and a long wait for a lock, are not reported.
func TestDeadlockIsReported(t *testing.T) {
	for _, n := range []int{2, 3} {
		log := &textLog{}
		dial := serve(t, Log(slog.New(slog.NewTextHandler(log, nil))))
		ctx, cancel := context.WithCancel(within(t))
		clients := make([]*Client, n+1)
		locks := make([]*Lock, n)
		for i := range clients {
			clients[i] = dial()
		}
		for i := range locks {
			locks[i] = must1(NewLock(ctx, clients[0], Named(string(rune('a'+i)))))
		}
		of := func(client, lock int) *Lock {
			return must1(NewLock(ctx, clients[client], Named(string(rune('a'+lock)))))
		}
		for i := range n {
			check(t, of(i, i).Lock(ctx))
		}
		var all sync.WaitGroup
		wait := func(client, lock int) {
			l := of(client, lock)
			all.Go(func() {
				if err := l.Lock(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("client %d, lock %d: %v", client, lock, err)
				}
			})
		}
		for i := range n - 1 {
			wait(i, i+1)
		}
		wait(n, 0) // not a part of the cycle
		time.Sleep(5 * deadlockAfter)
		if log.String() != "" {
			t.Errorf("a chain of %d is reported: %s", n, log)
		}
		wait(n-1, 0)
		report := regexp.MustCompile(`manager: deadlock: (process \d+ waits for lock \\"[abc]\\", which process \d+ holds(; )?){` + string(rune('0'+n)) + `}" clients=`)
		for !report.MatchString(log.String()) {
			if ctx.Err() != nil {
				t.Fatalf("no report of %d: %s", n, log)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * deadlockAfter) // time in which another client of the cycle looks
		cancel()
		all.Wait()
		if got := strings.Count(log.String(), "deadlock"); got != 1 {
			t.Errorf("%d reports: %s", got, log)
		}
	}
}

// A selfish is the argument of a task that runs a task on its own pool, or on another one.
type selfish struct {
	Pool  *Pool
	Async bool
}

var (
	askPool = mapreduce.FuncContext(func(ctx context.Context, s selfish) (int, error) {
		if s.Async {
			return remoteHalve.ApplyAsync(ctx, s.Pool, 8).Get(ctx)
		}
		return remoteHalve.Apply(ctx, s.Pool, 8)
	})
	remoteAskPool = PoolTask("ask a pool", askPool)
)

// A task that uses its own pool gets an error at once, where all workers of the pool would wait for
// ever; another pool serves it.
func TestTaskOfItsOwnPool(t *testing.T) {
	dial := serve(t)
	ctx, c := within(t), dial()
	pool, other := must1(NewPool(ctx, c, 1)), must1(NewPool(ctx, c, 1))
	for _, async := range []bool{false, true} {
		if _, err := remoteAskPool.Apply(ctx, pool, selfish{pool, async}); err == nil || !strings.Contains(err.Error(), "a task of the same pool") {
			t.Errorf("%v", err)
		}
		equal(t, "another pool", must1(remoteAskPool.Apply(ctx, pool, selfish{other, async})), 4)
	}
	check(t, pool.Close())
	check(t, other.Close())
}
