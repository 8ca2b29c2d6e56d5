package transport

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"
	"time"

	"mrrun/internal/shm"
	"mrrun/shared"
)

// Calls that wait when a queue is freed learn that it is gone, not that it has ended; at its end
// they learn that it has ended.
func TestQueueFreedWhileOthersWait(t *testing.T) {
	for name, c := range map[string]struct {
		end      func(*Queue[int]) error
		get, put error
	}{
		"Free":  {(*Queue[int]).Free, shared.ErrGone, shared.ErrGone},
		"Close": {(*Queue[int]).Close, io.EOF, ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				empty, err := NewQueue[int](1)
				mustNot(t, err)
				full, err := NewQueue[int](1)
				mustNot(t, err)
				mustNot(t, full.Put(t.Context(), 1))
				var waiting sync.WaitGroup
				for range 3 {
					waiting.Go(func() {
						if _, err := empty.Get(inTime(t)); !errors.Is(err, c.get) {
							t.Errorf("Get: %v, want %v", err, c.get)
						}
					})
					waiting.Go(func() {
						if err := full.Put(inTime(t), 1); !errors.Is(err, c.put) {
							t.Errorf("Put: %v, want %v", err, c.put)
						}
					})
				}
				for empty.r.o.Hot(hotNotEmpty).Load()&1 == 0 || full.r.o.Hot(hotNotFull).Load()&1 == 0 {
					time.Sleep(10 * time.Microsecond) // until some wait in the kernel
				}
				mustNot(t, errors.Join(c.end(empty), c.end(full)))
				waiting.Wait()
				mustNot(t, errors.Join(empty.Free(), full.Free()))
			}
		})
	}
}

// Each reservation of memory fails in turn: making or filling a queue or a pipe returns an error,
// and the next attempt succeeds.
func TestMemoryOfQueueAndPipeRunsOut(t *testing.T) {
	big := make([]byte, 100<<10)
	for name, use := range map[string]func() error{
		"queue": func() error {
			q, err := NewQueue[[]byte](0, QueueBytes(1<<20))
			if err != nil {
				return err
			}
			defer q.Free()
			for range 9 {
				if err := q.Put(t.Context(), big); err != nil {
					if err2 := q.Put(t.Context(), big); err2 != nil {
						t.Errorf("Put again after %v: %v", err, err2)
					}
					return err
				}
			}
			_, err = q.Get(t.Context())
			return err
		},
		"pipe": func() error {
			a, b, err := Pipe[[]byte]()
			if err != nil {
				return err
			}
			defer a.Close()
			defer b.Close()
			if err := a.Send(big); err != nil {
				return err
			}
			_, err = b.Recv()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				stop := shm.FailReservation(n)
				err := use()
				if stop(); err == nil {
					if n < 2 {
						t.Error("nothing was reserved")
					}
					return
				}
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("reservation %d fails: %v", n, err)
				}
				mustNot(t, use())
			}
		})
	}
}
