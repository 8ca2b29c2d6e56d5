//go:build linux

package mapreduce

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// A program whose workers cannot start ends quickly, and says why.
func TestHookNoPool(t *testing.T) {
	checkLeaks(t)
	tests := []struct {
		scenario, extra string
		pool            string // processes left, ErrNotInitialized, ErrNoHello
		says            []string
	}{
		{"no Init", "", "0 true false", []string{"call mapreduce.Main or mapreduce.Init first"}},
		{"worker exits", "", "0 false true", []string{"did not say hello", "exit status 9", "no licence"}},
		{"worker hangs", "", "0 false true", []string{"did not say hello", "said nothing for 1s", "killed by SIGKILL", "thinking"}},
		{"registers", "worker", "0 false false", []string{"has registered task mrrun/mapreduce.registerExtra", "the driver has not"}},
		{"registers", "driver", "0 false false", []string{"has not registered task mrrun/mapreduce.registerExtra"}},
		{"registers", "worker otherwise", "0 false false", []string{"has tasks with other types"}},
		{"impostor", "", "0 false true", []string{"exit status 9", "impostor: status 70", "MRRUN_WORKER is set, but"}},
	}
	t.Run("all", func(t *testing.T) {
		for _, test := range tests {
			t.Run(test.scenario+" "+test.extra, func(t *testing.T) {
				t.Parallel()
				p := start(t, test.scenario, thisBinary(nil), extraVariable+"="+test.extra)
				if got := p.await("pool", 1)[0]; got != test.pool {
					t.Errorf("pool %s, want %s", got, test.pool)
				}
				p.exit()
				for _, part := range test.says {
					if !strings.Contains(p.stderr.String(), part) {
						t.Errorf("no %q in: %s", part, &p.stderr)
					}
				}
				p.gone(deathTime)
			})
		}
	})
}

// sleepingDriverLimit is long enough for a worker to start on a busy machine.
const sleepingDriverLimit = 3 * time.Second

// Time during which the driver is stopped does not count against a worker that is starting.
func TestHookDriverSleeps(t *testing.T) {
	checkLeaks(t)
	p := start(t, "driver sleeps", thisBinary(nil))
	driver := p.awaitPID("driver", 1)[0]
	eventually(t, hangTime, func() error {
		if !strings.Contains(p.stderr.String(), "on its way") {
			return errors.New("it has no worker yet")
		}
		return nil
	})
	suspend(t, driver)
	time.Sleep(sleepingDriverLimit + 200*time.Millisecond) // longer than the worker may take
	_ = syscall.Kill(driver, syscall.SIGCONT)
	if got := p.await("pool", 1)[0]; got != "0 false false" {
		t.Errorf("pool %s; stderr:\n%s", got, &p.stderr)
	}
	p.exit()
}

// A process that has a worker's variable but is not a worker never runs the program's main.
func TestHookStrayVariable(t *testing.T) {
	checkLeaks(t)
	r, w := pipe(t)
	defer r.Close()
	defer w.Close()
	r2, w2 := pipe(t)
	defer r2.Close()
	defer w2.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var st syscall.Stat_t
	if err := syscall.Fstat(int(r.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	right := fmt.Sprintf("%d:%d:1:0", st.Dev, st.Ino)
	tests := []struct {
		name, value string
		files       []*os.File
		says        string
	}{
		{"by hand", "1", nil, `MRRUN_WORKER="1" is not what a driver sets`},
		{"by hand, colon", "a:", nil, "is not what a driver sets"},
		{"no descriptor", right, nil, "descriptor 3"},
		{"file", right, []*os.File{null, null}, "descriptor 3"},
		{"other pipe", right, []*os.File{r2, w2}, "descriptor 3"},
		{"no leader", right, []*os.File{r, w2}, "copied to another"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := thisBinary(nil)
			cmd.ExtraFiles = test.files
			p := start(t, "stray", cmd, "MRRUN_WORKER="+test.value)
			if code := p.exit(); code != proc.ExitNoWorker {
				t.Errorf("exit status %d, want %d", code, proc.ExitNoWorker)
			}
			for line := range p.lines {
				t.Errorf("it printed %q", line)
			}
			if text := p.stderr.String(); !strings.Contains(text, test.says) || strings.Count(text, "\n") != 1 {
				t.Errorf("standard error is not one line with %q: %s", test.says, text)
			}
		})
	}
}

// namedView has the methods of its View, which would lose the name.
type namedView struct {
	transport.View[int]
	Name string
}

func TestHookRegistration(t *testing.T) {
	if a, b := twice1.Name(), twice2.Name(); a != "mrrun/mapreduce.twice" || b != a+"#2" {
		t.Errorf("names %q and %q", a, b)
	}
	tests := []struct {
		name     string
		register func()
		says     []string
	}{
		{"late", func() { Func(twice) }, []string{"task mrrun/mapreduce.twice is registered at hook_test.go:", "after Main or Init"}},
		{"late, context", func() { FuncContext(obey) }, []string{"task mrrun/mapreduce.obey is registered at hook_test.go:"}},
		{"argument", func() { Func(func(chan int) int { return 0 }) }, []string{"registered at hook_test.go:", "its argument"}},
		{"result", func() { Func(func(int) func() { return nil }) }, []string{"registered at hook_test.go:", "its result"}},
		{"view among others", func() { Func(func(namedView) int { return 0 }) }, []string{"registered at hook_test.go:", "give that field a name"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				for _, part := range test.says {
					if !strings.Contains(text, part) {
						t.Errorf("no %q in the panic: %s", part, text)
					}
				}
			}()
			test.register()
		})
	}
}

// newTestPool returns a pool of this process, and fails the test if it leaks anything.
func newTestPool(t *testing.T, procs int) *Pool {
	t.Helper()
	checkLeaks(t)
	p, err := NewPool(t.Context(), Procs(procs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
