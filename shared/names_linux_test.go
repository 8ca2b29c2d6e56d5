package shared

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mrrun/internal/shm"
)

func TestNames(t *testing.T) {
	noArrays(t)
	sim, process := simulate(t)
	p, q := process(), process()
	fails := func(want string, is, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) || is != nil && !errors.Is(err, is) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	_, err := attachNamed[int](q, "grid")
	fails(`attach the array "grid": no such shared object: create it first`, ErrGone, err)
	for _, bad := range []string{"", strings.Repeat("x", 65), "a\x00b"} {
		_, err := create[int](p, bad, 1)
		fails("want a name of 1 to 64 bytes", nil, err)
	}
	_, err = create[string](p, "grid", 1)
	fails("a string points outside of shared memory", nil, err)

	a := mustArray[int](t)(create[int](p, "grid", 10))
	b := mustArray[int](t)(attachNamed[int](q, "grid"))
	if a.Set(9, 4); b.Len() != 10 || b.At(9) != 4 {
		t.Error("they have not the same array")
	}
	for _, r := range []*shm.Process{p, q} {
		_, err = create[int](r, "grid", 10)
		fails(`create the array "grid": the name is in use: it is an Array[int] of process 1: attach it, or choose another name`,
			ErrExists, err)
	}
	_, err = attachNamed[float64](q, "grid")
	fails("it is an Array[int], not an Array[float64]", nil, err)
	long := strings.Repeat("y", 64)
	mustArray[byte](t)(create[byte](q, long, 0)).Close()

	mustArray[int](t)(attachNamed[int](p, "grid")).Close()
	if a.At(9) != 4 {
		t.Error("closing what was attached has closed what was made")
	}
	b.Close() // another process has the name now
	_, err = create[int](q, "grid", 10)
	fails("in use", ErrExists, err)
	a.Close()
	_, err = attachNamed[int](q, "grid")
	fails("create it first", ErrGone, err)

	again := mustArray[float64](t)(create[float64](p, "grid", 3))
	sim.Kill(p)
	_, err = attachNamed[float64](q, "grid")
	fails("the process that made it has ended: create it again", ErrGone, err)
	mustArray[int](t)(create[int](q, "grid", 5)).Close()
	again.Close()
}

func TestNameHasOneCreator(t *testing.T) {
	noArrays(t)
	_, process := simulate(t)
	var names atomic.Int32
	for round := range 20 {
		var all sync.WaitGroup
		var made []*Array[int]
		var mu sync.Mutex
		for range 4 {
			p := process()
			all.Go(func() {
				a, err := create[int](p, fmt.Sprint("round ", round), 1)
				if err == nil {
					names.Add(1)
					mu.Lock()
					made = append(made, a)
					mu.Unlock()
				} else if !errors.Is(err, ErrExists) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, a := range made {
			a.Close()
		}
	}
	if names.Load() != 20 {
		t.Errorf("%d of 20 names were made", names.Load())
	}
}

func init() {
	// "create" creates and closes one name for ever. The first hot word after those of a lock says
	// which process has it.
	helpers["create"] = func(m member) {
		owner, tag := m.o.Hot(8), uint32(m.p.Tag())
		for {
			a, err := create[int](m.p, "race", 1)
			if errors.Is(err, ErrExists) {
				runtime.Gosched()
				continue
			}
			if err != nil {
				panic(err)
			}
			was := owner.Load()
			if m.p.Table().Alive(shm.Tag(was)) || !owner.CompareAndSwap(was, tag) {
				panic("two processes have one name")
			}
			m.o.Cold(0).Add(1)
			owner.Store(0)
			a.Close()
		}
	}
}

// Processes are killed at random while they create and close one name.
func TestNamesSurviveKills(t *testing.T) {
	noArrays(t)
	l := mustLock(t)
	type running struct {
		cmd *exec.Cmd
		tag shm.Tag
	}
	start := func() running {
		cmd, tag, _ := startHelper(t, "create", l.o)
		return running{cmd, tag}
	}
	end := func(r running) {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		if s := r.cmd.ProcessState.String(); s != "signal: killed" {
			t.Errorf("a helper ended by itself: %s", s)
		}
		l.p.Table().Reap(r.tag)
	}
	all := []running{start(), start(), start()}
	random := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		i := random.IntN(len(all))
		time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond) // so that the kill comes anywhere
		end(all[i])
		all[i] = start()
		before := l.o.Cold(0).Load()
		for deadline := time.Now().Add(10 * time.Second); l.o.Cold(0).Load() == before; {
			if time.Now().After(deadline) {
				t.Fatal("nobody gets the name any more")
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	for _, r := range all {
		end(r)
	}
	t.Logf("%d were made", l.o.Cold(0).Load())
	mustArray[int](t)(create[int](l.p, "race", 1)).Close()
}
