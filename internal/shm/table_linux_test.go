package shm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"mrrun/internal/shm"
)

func simulate(tb testing.TB) *shm.Simulation {
	tb.Helper()
	sim, err := shm.NewSimulation()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { sim.Table.Close() })
	return sim
}

func newProcess(tb testing.TB, sim *shm.Simulation) *shm.Process {
	tb.Helper()
	p, err := sim.Process()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func newObject(tb testing.TB, p *shm.Process, extra int) shm.Object {
	tb.Helper()
	o, err := p.Allocate(15, extra)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func TestMapTable(t *testing.T) {
	sim := simulate(t)
	o := newObject(t, newProcess(t, sim), 0)
	o.Hot(3).Store(7)
	file, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", sim.Table.File().Fd()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := shm.MapTable(file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	same, err := other.Open(o.Handle(), 15)
	if err != nil {
		t.Fatal(err)
	}
	if v := same.Hot(3).Load(); v != 7 {
		t.Errorf("the word is %d there, not 7", v)
	}
	if err := file.Truncate(1); err == nil {
		t.Error("the table can be cut off")
	}
	plain, err := shm.NewRegion("plain", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shm.MapTable(plain.File()); err == nil || !strings.Contains(err.Error(), "is not a table of this version") {
		t.Errorf("map something else as a table: %v", err)
	}
}

func TestAllocate(t *testing.T) {
	sim := simulate(t)
	p := newProcess(t, sim)
	a, b := newObject(t, p, 0), newObject(t, p, 300)
	extra := unsafe.Slice((*byte)(b.Extra()), 300)
	for i := range extra {
		extra[i] = 1
	}
	b.Hot(0).Store(5)
	b.Cold(4).Store(6)
	if !b.Valid() || !b.Free() || b.Valid() || b.Free() {
		t.Error("an object is to be freed once")
	}
	again := newObject(t, p, 300)
	if again.Handle().Unit != b.Handle().Unit || again.Handle() == b.Handle() {
		t.Errorf("%v after %v: want the same memory, another generation", again.Handle(), b.Handle())
	}
	if again.Hot(0).Load() != 0 || again.Cold(4).Load() != 0 || extra[0] != 0 || extra[299] != 0 {
		t.Error("a new object is not zero")
	}
	if _, err := sim.Table.Open(b.Handle(), 15); !errors.Is(err, shm.ErrGone) {
		t.Errorf("open what was freed: %v", err)
	}
	if !a.Valid() {
		t.Error("another object went too")
	}
	if other, err := p.Allocate(14, 300); err != nil || other.Handle().Unit == again.Handle().Unit {
		t.Errorf("%v, %v", other.Handle(), err)
	}
	_, err := p.Allocate(15, 1<<30)
	if want := "1073741824 bytes are more than the limit of 67108736 bytes: make it smaller"; err == nil ||
		errors.Is(err, shm.ErrFull) || !strings.Contains(err.Error(), want) {
		t.Errorf("allocate more than any object can have: %v", err)
	}
	if _, err := p.NewSegment(b, math.MaxInt, 0); err == nil || errors.Is(err, shm.ErrFull) ||
		!strings.Contains(err.Error(), "9223372036854775807 bytes are more than the limit of ") {
		t.Errorf("make a segment that no table has room for: %v", err)
	}
	if o, err := p.Allocate(15, 67108736); err != nil {
		t.Errorf("allocate the largest object: %v", err)
	} else {
		p.Drop(o)
	}
	if err := shm.CheckChain(sim.Table); err != nil {
		t.Error(err)
	}
}

func TestSlotsRunOut(t *testing.T) {
	sim := simulate(t)
	var all []*shm.Process
	for range 4096 {
		all = append(all, newProcess(t, sim))
	}
	if _, err := all[0].Reserve(); !errors.Is(err, shm.ErrFull) {
		t.Fatalf("process 4097: %v", err)
	}
	sim.Kill(all[77])
	g, err := all[0].Reserve()
	if err != nil {
		t.Fatalf("with a dead process: %v", err)
	}
	if g == all[77].Tag() {
		t.Error("the tag of a dead process was used again")
	}
	// A slot whose starter dies before it can start the process is found as well.
	sim.Kill(all[0])
	if sim.Table.Alive(g) {
		t.Error("a slot is kept for a process that nobody will start")
	}
}

func TestLives(t *testing.T) {
	if os.Getenv("MRRUN_TEST_WAIT") != "" { // this is the child
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	pid := os.Getpid()
	start := shm.StartOf(pid)
	if start == 0 || !shm.Lives(pid, start) {
		t.Errorf("this process, started at %d, does not live", start)
	}
	if shm.Lives(pid, start+1) {
		t.Error("a process with this number, started at another time, lives")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestLives$")
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	cmd.Env = append(os.Environ(), "MRRUN_TEST_WAIT=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	start = shm.StartOf(cmd.Process.Pid)
	if !shm.Lives(cmd.Process.Pid, start) {
		t.Error("a child does not live")
	}
	cmd.Process.Kill()
	for deadline := time.Now().Add(10 * time.Second); shm.Lives(cmd.Process.Pid, start); { // as a zombie it is dead
		if time.Now().After(deadline) {
			t.Fatal("a killed child lives on")
		}
	}
	cmd.Wait()
	if shm.Lives(cmd.Process.Pid, start) {
		t.Error("a child that was waited for lives")
	}
}

func TestTurns(t *testing.T) {
	sim := simulate(t)
	p := newProcess(t, sim)
	o := newObject(t, p, 0)
	if err := p.TakeTurn(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := p.TakeTurn(ctx, o); err == nil {
				p.PassTurn(o)
			} else if !errors.Is(err, cause) {
				t.Error(err)
			}
		})
	}
	for shm.Queued(p, o) < 100 {
		runtime.Gosched()
	}
	cancel(cause)
	p.PassTurn(o) // to one that gives up
	wg.Wait()
	if err := p.TakeTurn(ctx, o); err != nil { // no goroutine has kept it
		t.Error(err)
	}
}

func TestWaitContext(t *testing.T) {
	sim := simulate(t)
	o := newObject(t, newProcess(t, sim), 0)
	for i := range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		go cancel() // before, during or after the call of the kernel
		if o.Hot(0).WaitContext(ctx, 0, 5*time.Second); time.Since(start) > time.Second {
			t.Fatalf("wait %d did not end with its context", i)
		}
	}
}

// The dead process may have been about to wake others: the process that reaps it does so.
func TestRetireWakes(t *testing.T) {
	sim := simulate(t)
	p := newProcess(t, sim)
	o := newObject(t, p, 0)
	p.Owes(o)
	if _, err := os.Stat("/proc/self/syscall"); err != nil {
		t.Skipf("the kernel does not show what threads wait for: %v", err)
	}
	done := make(chan bool)
	go func() { done <- o.Hot(9).Wait(0, 10*time.Second) }()
	for !waitsInKernel(t) {
	}
	sim.Kill(p)
	sim.Table.Reap(p.Tag())
	if <-done {
		t.Error("it slept on")
	}
}

// waitsInKernel reports whether a thread of this process waits at a shared word: its system call is
// FUTEX_WAIT, not the private one that the runtime uses.
func waitsInKernel(t *testing.T) bool {
	calls, err := filepath.Glob("/proc/self/task/*/syscall")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range calls {
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		if f := strings.Fields(string(text)); len(f) > 2 && f[0] == fmt.Sprint(syscall.SYS_FUTEX) && f[2] == "0x0" {
			return true
		}
	}
	return false
}
