package shm_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"mrrun/internal/shm"
	"mrrun/internal/shm/blocks"
)

// What a process leaves is freed, unless another process has it or a message with it is under way.
func TestObjectsOfTheDead(t *testing.T) {
	sim := simulate(t)
	maker, other, third := newProcess(t, sim), newProcess(t, sim), newProcess(t, sim)
	end := func(p *shm.Process) {
		sim.Kill(p)
		sim.Table.Reap(p.Tag())
	}
	left, had, away := newObject(t, maker, 0), newObject(t, maker, 0), newObject(t, maker, 0)
	if err := other.Have(had); err != nil || !away.Depart() {
		t.Fatal(err)
	}
	end(maker)
	if left.Valid() || !had.Valid() || !away.Valid() {
		t.Errorf("left behind: %v, had by another: %v, under way: %v; want only the last two", left.Valid(), had.Valid(), away.Valid())
	}
	if err := other.Have(left); !errors.Is(err, shm.ErrGone) {
		t.Errorf("have what is gone: %v", err)
	}
	if err := third.Have(away); err != nil {
		t.Fatal(err)
	}
	away.Arrived()
	end(third)
	other.Drop(had)
	if had.Valid() || away.Valid() {
		t.Error("nobody has them any more, and they are there still")
	}
	if had.Depart() {
		t.Error("what is gone departs")
	}
	again := newObject(t, other, 0)
	if n := again.Handle().Unit; n != left.Handle().Unit && n != had.Handle().Unit && n != away.Handle().Unit {
		t.Error("their memory is not used again")
	}
	if err := shm.CheckChain(sim.Table); err != nil {
		t.Error(err)
	}
}

// A pin keeps an object that its process has left, with its segment mapped.
func TestPin(t *testing.T) {
	sim := simulate(t)
	p := newProcess(t, sim)
	o := newObject(t, p, 0)
	s, err := p.NewSegment(o, 100_000, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	first, second := p.Pin(o), p.Pin(o)
	if err := s.Leave(); err != nil || !s.Mapped() {
		t.Fatalf("%v; mapped: %v", err, s.Mapped())
	}
	first()
	s.Bytes()[99_999] = 1
	if second(); s.Mapped() || o.Valid() {
		t.Error("nobody keeps it any more, and it is there still")
	}
}

// The memory of a segment is freed when no process has it any more, not before.
func TestSegmentGivesMemoryBack(t *testing.T) {
	sim := simulate(t)
	maker, other := newProcess(t, sim), newProcess(t, sim)
	before := memoryOf(t, sim.Table)
	o := newObject(t, maker, 0)
	s, err := maker.NewSegment(o, 1<<20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if n := memoryOf(t, sim.Table) - before; n < 1<<20 {
		t.Errorf("%d bytes were reserved", n)
	}
	s.Bytes()[7] = 7
	there, err := other.Attach(o, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Leave(); err != nil || there.Bytes()[7] != 7 {
		t.Fatalf("%v, or other memory than before", err)
	}
	third, err := newProcess(t, sim).Attach(o, false)
	if err != nil || third.Bytes()[7] != 7 {
		t.Fatalf("a third process that is sent it: %v", err)
	}
	if err := errors.Join(there.Detach(true), third.Detach(false)); err != nil {
		t.Error(err)
	}
	if n := memoryOf(t, sim.Table) - before; n > 1<<18 {
		t.Errorf("%d bytes are still taken", n)
	}
}

// memoryOf returns how many bytes of memory the table takes.
func memoryOf(t *testing.T, table *shm.Table) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Fstat(int(table.File().Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

// Each reservation of memory fails in turn: the process that asks for the memory gets an error, and
// nothing else breaks.
func TestMemoryRunsOut(t *testing.T) {
	for name, use := range map[string]func() error{
		"table": func() error {
			sim, err := shm.NewSimulation()
			if err != nil {
				return err
			}
			defer sim.Table.Close()
			p, err := sim.Process()
			if err != nil {
				return err
			}
			o, err := p.Allocate(15, 200_000)
			if err != nil {
				return err
			}
			defer o.Free()
			s, err := p.NewSegment(o, 20<<20, 20<<20)
			if err != nil {
				return err
			}
			for i := range s.Bytes() {
				s.Bytes()[i] = 1
			}
			return s.End()
		},
		"block": func() error {
			pool := blocks.NewPool(1<<30, time.Minute)
			defer pool.Close()
			b, err := pool.Get(1 << 20)
			if err != nil {
				return err
			}
			pool.Put(b)
			return nil
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
				if err := use(); err != nil {
					t.Fatalf("after reservation %d has failed: %v", n, err)
				}
			}
		})
	}
}

// More memory than there is is refused at once: trying it could make the kernel kill a process.
func TestMoreMemoryThanThereIs(t *testing.T) {
	sim := simulate(t)
	p := newProcess(t, sim)
	before := memoryOf(t, sim.Table)
	o := newObject(t, p, 0)
	if _, err := p.NewSegment(o, 1<<50, 1<<50); !errors.Is(err, syscall.ENOMEM) {
		t.Errorf("a segment of a petabyte: %v", err)
	}
	o.Free()
	if n := memoryOf(t, sim.Table) - before; n > 1<<18 {
		t.Errorf("%d bytes were taken", n)
	}
}
