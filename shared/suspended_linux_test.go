package shared

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"mrrun/internal/shm"
)

func init() {
	// "wait" and "acquire" wait for what the test holds.
	helpers["wait"] = func(m member) {
		if err := m.lock().Lock(context.Background()); err != nil {
			panic(err)
		}
		time.Sleep(time.Hour)
	}
	helpers["acquire"] = func(m member) {
		if err := m.semaphore().Acquire(context.Background()); err != nil {
			panic(err)
		}
		time.Sleep(time.Hour)
	}
}

// suspendWaiter starts a helper and suspends it once it has precedence.
func suspendWaiter(t *testing.T, name string, o shm.Object, starving *shm.Word) {
	t.Helper()
	cmd, tag, _ := startHelper(t, name, o)
	t.Cleanup(func() { endHelper(cmd, tag) })
	waitUntil(t, func() bool { return starving.Load() == uint32(tag) })
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it is not suspended: %v, %v", status, err)
	}
}

func endHelper(cmd *exec.Cmd, tag shm.Tag) {
	cmd.Process.Kill()
	cmd.Wait()
	if p, err := shm.Self(); err == nil {
		p.Table().Reap(tag)
	}
}

// A process that has waited so long that it has precedence is suspended. The others, those that
// wait and those that try, get the lock all the same when it is free, again and again.
func TestSuspendedWaiterKeepsNobodyOut(t *testing.T) {
	for name, get := range map[string]func(*testing.T, *Lock) error{
		"Lock": func(t *testing.T, l *Lock) error { return l.Lock(soon(t)) },
		"TryLock": func(t *testing.T, l *Lock) error {
			waitUntil(t, func() bool { ok, err := l.TryLock(); return ok && err == nil })
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := mustLock(t)
			mustNot(t, l.Lock(t.Context()))
			suspendWaiter(t, "wait", l.o, l.starving)
			l.Unlock()
			began := time.Now()
			for range 20 {
				mustNot(t, get(t, l))
				l.Unlock()
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("20 times took %v", took)
			}
		})
	}
	for name, get := range map[string]func(*testing.T, *Semaphore) error{
		"Acquire": func(t *testing.T, s *Semaphore) error { return s.Acquire(soon(t)) },
		"TryAcquire": func(t *testing.T, s *Semaphore) error {
			waitUntil(t, s.TryAcquire)
			return nil
		},
	} {
		for kind, opts := range map[string][]SemaphoreOption{"": nil, ", tracked": {Tracked()}} {
			t.Run(name+kind, func(t *testing.T) {
				s, err := NewBoundedSemaphore(1, opts...)
				mustNot(t, err)
				defer s.Close()
				mustNot(t, s.Acquire(t.Context()))
				suspendWaiter(t, "acquire", s.o, s.starving)
				mustNot(t, s.Release())
				for range 20 {
					mustNot(t, get(t, s))
					mustNot(t, s.Release())
				}
			})
		}
	}
}
