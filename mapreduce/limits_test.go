//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slack is how much later than promised something may happen on a busy machine. A task that hangs does so for an hour.
const slack = 3 * time.Second

// startSleeper starts a process that would outlive the item, and notes its number.
func startSleeper(d deed) {
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err == nil {
		_ = os.WriteFile(filepath.Join(d.Dir, "child"), []byte(strconv.Itoa(child.Process.Pid)), 0o600)
	}
}

// checkSleeperDies fails the test unless the process that an item has started dies.
func checkSleeperDies(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, deathTime, func() error {
		if !dead(pid) {
			return fmt.Errorf("it lives: %s", describe(pid))
		}
		return nil
	})
}

// awaitBegun returns when an item has been begun.
func awaitBegun(t *testing.T, dir string, item int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if attempts(t, dir, item) == 0 {
			return fmt.Errorf("item %d does not begin", item)
		}
		return nil
	})
}

func checkTimeout(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want ErrTimeout, which is a context.DeadlineExceeded", err)
	}
}

func TestTimeout(t *testing.T) {
	checkLeaks(t)
	const limit = 200 * time.Millisecond
	tests := []struct {
		name, do string
		pool     []PoolOption
		call     []CallOption
		lost     int // workers
	}{
		{"ignored", "hang with child", nil, []CallOption{Timeout(limit)}, 1},
		{"ignored, of the pool", "hang with child", []PoolOption{Timeout(limit)}, nil, 1},
		{"the call's counts", "hang with child", []PoolOption{Timeout(time.Hour)}, []CallOption{Timeout(limit)}, 1},
		{"obeyed", "obey", nil, []CallOption{Timeout(limit)}, 0},
		{"obeyed, of the pool", "obey", []PoolOption{Timeout(limit)}, nil, 0},
		{"in process, ignored", "sleep", []PoolOption{InProcess()}, []CallOption{Timeout(limit / 4)}, 1},
		{"in process, obeyed", "obey", []PoolOption{InProcess()}, []CallOption{Timeout(limit)}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPool(t, append(test.pool, silent())...)
			dir, victims := t.TempDir(), []int{3, 17}
			start := time.Now()
			got, err := deedTask.Map(t.Context(), p, deeds(dir, 30, test.do, 1000, victims...), append(test.call, Chunksize(10))...)
			took := time.Since(start)
			t.Logf("two items of %v took %v", limit, took)
			if took > 2*limit+slack {
				t.Errorf("it took %v", took)
			}
			failed, _ := errors.AsType[TaskErrors](err)
			if len(failed) != 2 || failed[0].Index != 3 || failed[1].Index != 17 {
				t.Fatalf("error %v, want those of the items 3 and 17", err)
			}
			for _, e := range failed {
				checkTimeout(t, e)
			}
			checkTraces(t, got, victims)
			for _, v := range victims {
				if n := attempts(t, dir, v); n != 1 {
					t.Errorf("item %d was begun %d times: a timeout is not retried", v, n)
				}
			}
			if s := p.Stats(); s.Lost != 2*test.lost || s.Retried != 0 {
				t.Errorf("%d workers are lost, %d items tried again; want %d, 0", s.Lost, s.Retried, 2*test.lost)
			}
			if test.do == "hang with child" {
				checkSleeperDies(t, dir)
			}
			checkUsable(t, p)
		})
	}
}

// One item alone: its time is all there is to see.
func TestTimeoutIsPrompt(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent())
	for _, limit := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond} {
		for _, do := range []string{"hang", "obey"} {
			start := time.Now()
			_, err := deedTask.Apply(t.Context(), p, deed{Do: do, Times: 1000}, Timeout(limit))
			took := time.Since(start)
			checkTimeout(t, err)
			t.Logf("%s: timeout %v, failed after %v", do, limit, took)
			if took < limit || took > limit+slack {
				t.Errorf("%s: timeout %v, failed after %v", do, limit, took)
			}
		}
	}
	// What is quick enough is left alone, however long the call takes.
	if _, err := deedTask.Map(t.Context(), p, deeds("", 40, "", 0), Timeout(10*time.Second)); err != nil {
		t.Error(err)
	}
}

// Job items have the limit too.
func TestTimeoutInJob(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent())
	for _, do := range []string{"hang", "obey"} {
		_, err := deedsInJob.Run(t.Context(), p, deedJob{}, deeds("", 20, do, 1000, 7), Timeout(100*time.Millisecond), Chunksize(5))
		checkTimeout(t, err)
		if e, ok := errors.AsType[*TaskError](err); !ok || e.Index != 7 {
			t.Errorf("%s: error %v, want that of item 7", do, err)
		}
		checkUsable(t, p)
	}
}

// Cancel ends one item, not what shares its worker.
func TestCancelHangingFuture(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	checkUsable(t, p)
	dir := t.TempDir()
	hanging := deedTask.ApplyAsync(t.Context(), p, deed{Do: "hang with child", Times: 1000, Dir: dir})
	awaitBegun(t, dir, 0)
	var others []*Future[trace]
	for i := range 50 {
		others = append(others, deedTask.ApplyAsync(t.Context(), p, deed{N: i}))
	}
	never := deedTask.ApplyAsync(t.Context(), p, deed{N: 77, Do: "exit", Times: 1000, Dir: dir})
	start := time.Now()
	never.Cancel()
	hanging.Cancel()
	for _, f := range []*Future[trace]{hanging, never} {
		if _, err := f.Get(t.Context()); err != ErrCanceled || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want ErrCanceled", err)
		}
	}
	for i, f := range others {
		if got, err := f.Get(t.Context()); err != nil || got.N != i || got.Attempt != 1 {
			t.Errorf("future %d: %+v, %v", i, got, err)
		}
	}
	took := time.Since(start)
	t.Logf("the others were ready %v after the cancel", took)
	if took > slack {
		t.Errorf("the others had to wait %v", took)
	}
	if n := attempts(t, dir, 77); n != 0 {
		t.Error("what was cancelled before it began has begun")
	}
	checkSleeperDies(t, dir)
	if s := p.Stats(); s.Lost != 1 || s.Retried != 0 {
		t.Errorf("%d workers are lost, %d items tried again; want 1, 0", s.Lost, s.Retried)
	}
}

// A future whose item obeys costs no worker.
func TestCancelObeyingFuture(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), silent())
	dir := t.TempDir()
	f := deedTask.ApplyAsync(t.Context(), p, deed{Do: "obey", Times: 1000, Dir: dir})
	awaitBegun(t, dir, 0)
	f.Cancel()
	if _, err := f.Get(t.Context()); err != ErrCanceled {
		t.Errorf("error %v, want ErrCanceled", err)
	}
	checkUsable(t, p)
	if s := p.Stats(); s.Lost != 0 {
		t.Errorf("%d workers are lost", s.Lost)
	}
}

// A call that is given up returns at once, and what hangs in it does not keep others waiting.
func TestCancelHangingCalls(t *testing.T) {
	checkLeaks(t)
	tests := []struct {
		name string
		call func(ctx context.Context, cancel func(), p *Pool, items []deed) error
	}{
		{"Map", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			_, err := deedTask.Map(ctx, p, items)
			return err
		}},
		{"Job", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			_, err := deedsInJob.Run(ctx, p, deedJob{}, items)
			return err
		}},
		{"Imap", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			_, _, err := collect(deedTask.Imap(ctx, p, slices.Values(items)))
			return err
		}},
		{"break", func(ctx context.Context, cancel func(), p *Pool, items []deed) error {
			items[0].Do = ""
			for range deedTask.Imap(context.Background(), p, slices.Values(items), Chunksize(1)) {
				return context.Canceled
			}
			return nil
		}},
	}
	for _, test := range tests {
		for _, chunk := range []int{1, 100} {
			t.Run(fmt.Sprint(test.name, chunk), func(t *testing.T) {
				p := newPool(t, Chunksize(chunk), silent())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(100*time.Millisecond, cancel)
				start := time.Now()
				err := test.call(ctx, cancel, p, deeds("", 1000, "hang", 1000, numbers(1000)...))
				returned := time.Since(start)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want context.Canceled", err)
				}
				checkUsable(t, p)
				usable := time.Since(start)
				t.Logf("returned after %v, usable after %v", returned, usable)
				if usable > slack {
					t.Errorf("returned after %v, usable after %v", returned, usable)
				}
				if s := p.Stats(); s.Lost > 2 {
					t.Errorf("%d workers are lost for what two of them ran", s.Lost)
				}
			})
		}
	}
}

// eat takes memory, and uses it, without end.
func eat() {
	var all [][]byte
	for {
		more := make([]byte, 4<<20)
		for i := 0; i < len(more); i += 4096 {
			more[i] = 1
		}
		all = append(all, more)
		runtime.KeepAlive(all)
	}
}

func TestMemoryLimit(t *testing.T) {
	checkLeaks(t)
	for _, size := range []int{1, 10} {
		p := newPool(t, MemoryLimit(testMemory), silent())
		dir := t.TempDir()
		got, err := deedTask.Map(t.Context(), p, deeds(dir, 30, "eat", 1000, 17), Chunksize(size))
		checkTraces(t, got, []int{17})
		lost := lostItem(t, err, 17)
		if !errors.Is(err, ErrMemoryLimit) || !lost.OOM {
			t.Errorf("error %v, want ErrMemoryLimit", err)
		}
		t.Logf("limit %d MiB, used %d MiB", testMemory>>20, lost.MaxRSS>>20)
		if lost.MaxRSS > testMemory+testMemory/2 { // file mappings and the detector's own memory do not count
			t.Errorf("it used %d bytes, the limit is %d", lost.MaxRSS, testMemory)
		}
		if n := attempts(t, dir, 17); n != 1 || lost.Attempts != 1 {
			t.Errorf("begun %d times: a memory limit is not retried", n)
		}
		checkUsable(t, p)
	}
}

// Recycling after n items loses and blames nobody.
func TestMaxTasksPerWorker(t *testing.T) {
	checkLeaks(t)
	for _, most := range []int{1, 3, 20} {
		for _, size := range []int{1, 2, 7, 0} {
			t.Run(fmt.Sprintf("%d, chunk size %d", most, size), func(t *testing.T) {
				p := newPool(t, MaxTasksPerWorker(most), Chunksize(size), silent())
				got, err := deedTask.Map(t.Context(), p, deeds("", 40, "", 0))
				if err != nil {
					t.Fatal(err)
				}
				checkTraces(t, got, nil)
				ran := make(map[int]int)
				for _, r := range got {
					ran[r.PID]++
				}
				for pid, n := range ran {
					if n > most {
						t.Errorf("worker %d ran %d items, want %d at most", pid, n, most)
					}
				}
				if s := p.Stats(); s.Lost != 0 || s.Retried != 0 || s.Sent != 40 {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

var hoard [][]byte

var hoardTask = Func(func(bytes int) int {
	more := make([]byte, bytes)
	for i := range more {
		more[i] = 1
	}
	hoard = append(hoard, more)
	return os.Getpid()
})

// A worker that has grown is replaced, and loses nothing.
func TestMaxGrowth(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), MaxGrowth(32<<20), silent())
	first := 0
	eventually(t, hangTime, func() error {
		time.Sleep(20 * time.Millisecond) // the worker is looked at ten times a second
		pid, err := hoardTask.Apply(t.Context(), p, 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = pid
		}
		if pid == first {
			return errors.New("it is not replaced")
		}
		return nil
	})
	if s := p.Stats(); s.Recycled == 0 || s.Lost != 0 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}

// A spare takes the place of a worker that was lost or recycled: it was started before.
func TestSpares(t *testing.T) {
	checkLeaks(t)
	for _, test := range []struct {
		name    string
		options []PoolOption
		do      string
	}{
		{"lost", nil, "SIGKILL"},
		{"recycled", []PoolOption{MaxTasksPerWorker(1)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			options := append(test.options, Procs(1), Spares(1), stateOf.Initializer(stateOrder{Dir: dir}), silent())
			p := newPool(t, options...)
			awaitStarted(t, dir, 2)
			time.Sleep(50 * time.Millisecond) // the driver hears of it
			before := started(t, dir)
			first, err := deedTask.Apply(t.Context(), p, deed{})
			if err != nil {
				t.Fatal(err)
			}
			next, err := deedTask.Apply(t.Context(), p, deed{Do: test.do, Times: 1})
			if err != nil {
				t.Fatal(err)
			}
			if next.PID == first.PID || !slices.Contains(before, next.PID) {
				t.Errorf("worker %d after %d, and not the spare of %v", next.PID, first.PID, before)
			}
			awaitStarted(t, dir, 3) // the next spare
		})
	}
}

// The number of workers may change while they work.
func TestResizeUnderLoad(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(2), silent())
	for _, n := range []int{0, -1, MaxProcs + 1} {
		if err := p.Resize(n); err == nil {
			t.Errorf("Resize(%d) is accepted", n)
		}
	}
	sizes := map[int]int{200: 4, 600: 1, 1000: 3, 1010: 1, 1020: 4, 1400: 2}
	i := 0
	for got, err := range deedTask.Imap(t.Context(), p, slices.Values(deeds("", 2000, "", 0)), Chunksize(3)) {
		if err != nil || got.N != i || got.Attempt != 1 {
			t.Fatalf("item %d: %+v, %v", i, got, err)
		}
		if n := sizes[i]; n > 0 {
			if err := p.Resize(n); err != nil {
				t.Error(err)
			}
		}
		i++
	}
	if i != 2000 {
		t.Errorf("%d results", i)
	}
	for _, n := range []int{3, 1, 2} {
		if err := p.Resize(n); err != nil {
			t.Error(err)
		}
		awaitWorkers(t, p, n)
		checkUsable(t, p)
	}
	// Faster than a worker starts.
	for k := range 40 {
		if err := p.Resize(1 + k%4); err != nil {
			t.Error(err)
		}
		if k%5 == 0 {
			checkUsable(t, p)
		}
		time.Sleep(time.Duration(k%7) * 300 * time.Microsecond)
	}
	awaitWorkers(t, p, 4)
	checkUsable(t, p)
	if s := p.Stats(); s.Lost != 0 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}

// awaitWorkers returns when the pool has n processes.
func awaitWorkers(t *testing.T, p *Pool, n int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if now, all := p.Workers(), children(os.Getpid()); len(now) != n || len(all) != n {
			return fmt.Errorf("want %d workers: %v, child processes %v", n, now, all)
		}
		return nil
	})
}

func TestIdleTimeout(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, IdleTimeout(50*time.Millisecond), silent())
	for range 3 {
		checkUsable(t, p)
		awaitWorkers(t, p, 0)
	}
	// A call that takes longer keeps them.
	if _, err := deedTask.Map(t.Context(), p, deeds("", 4, "sleep", 1000, 0, 1)); err != nil {
		t.Error(err)
	}
	if s := p.Stats(); s.Lost != 0 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}

// surroundings is what a worker sees of the options for its process.
type surroundings struct {
	Nice int
	CPUs [][]int // of each thread
	Env  string
	Dir  string
}

const surroundingsVariable = "MRRUN_TEST_SURROUNDINGS"

var surroundingsTask = FuncContext(func(context.Context, int) (s surroundings, err error) {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return s, err
	}
	s.Nice = 20 - raw // the kernel's way to have no negative numbers
	for _, tid := range entries("/proc/self/task") {
		n, _ := strconv.Atoi(tid)
		var set unix.CPUSet
		if unix.SchedGetaffinity(n, &set) != nil {
			continue // it has ended
		}
		var cpus []int
		for cpu := range 8 * len(set) * 8 {
			if set.IsSet(cpu) {
				cpus = append(cpus, cpu)
			}
		}
		s.CPUs = append(s.CPUs, cpus)
	}
	s.Env = os.Getenv(surroundingsVariable)
	s.Dir, err = os.Getwd()
	return s, err
})

func TestWorkerSurroundings(t *testing.T) {
	checkLeaks(t)
	get := func(options ...PoolOption) surroundings {
		t.Helper()
		s, err := surroundingsTask.Apply(t.Context(), newPool(t, append(options, Procs(1))...), 0)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	plain := get()
	if here, _ := os.Getwd(); plain.Dir != here || plain.Env != "" {
		t.Errorf("without options: %+v", plain)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got := get(Dir(dir)); got.Dir != dir {
		t.Errorf("Dir: %q, want %q", got.Dir, dir)
	}
	t.Setenv(surroundingsVariable, "the driver's")
	if got := get(); got.Env != "the driver's" {
		t.Errorf("environment of the driver: %q", got.Env)
	}
	if got := get(Env(surroundingsVariable + "=ours=1")); got.Env != "ours=1" {
		t.Errorf("Env: %q", got.Env)
	}
	if plain.Nice < 12 {
		if got := get(Nice(12)); got.Nice != 12 {
			t.Errorf("Nice(12): %d", got.Nice)
		}
	}
	for _, cpus := range get(Pin()).CPUs {
		if len(cpus) != 1 {
			t.Errorf("Pin: a thread may use the processors %v", cpus)
		}
	}
	if _, err := NewPool(t.Context(), Procs(1), Dir(filepath.Join(dir, "nowhere"))); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a Dir that does not exist: error %v", err)
	}
}

// A stateOrder is what an initializer does.
type stateOrder struct{ Do, Dir string }

type ownState struct {
	dir  string
	used int
}

var (
	stateOf *State[stateOrder, *ownState]

	useState = FuncContext(func(ctx context.Context, n int) (trace, error) {
		s := stateOf.Get(ctx)
		s.used++
		return trace{n, s.used, os.Getpid()}, nil
	})
)

func init() { stateOf = NewState(beginState, endState) }

func beginState(_ context.Context, o stateOrder) (*ownState, error) {
	if err := os.WriteFile(filepath.Join(o.Dir, fmt.Sprintf("started.%d", os.Getpid())), nil, 0o600); err != nil {
		return nil, err
	}
	switch o.Do {
	case "error":
		return nil, errors.New("no table")
	case "panic":
		panic("no table")
	case "exit":
		fmt.Fprintln(os.Stderr, "no table")
		os.Exit(5)
	case "Goexit":
		fmt.Fprintln(os.Stderr, "no table")
		runtime.Goexit()
	}
	return &ownState{dir: o.Dir}, nil
}

func endState(s *ownState) error {
	return os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("ended.%d", os.Getpid())), fmt.Append(nil, s.used), 0o600)
}

// started returns the processes whose initializer has run.
func started(t *testing.T, dir string) []int {
	t.Helper()
	var pids []int
	for _, name := range entries(dir) {
		if text, ok := strings.CutPrefix(name, "started."); ok {
			pid, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func awaitStarted(t *testing.T, dir string, n int) {
	t.Helper()
	eventually(t, hangTime, func() error {
		if got := len(started(t, dir)); got < n {
			return fmt.Errorf("%d processes have started, want %d", got, n)
		}
		return nil
	})
}

// Each worker has a state of its own, made once and ended in good order.
func TestStatePerWorker(t *testing.T) {
	checkLeaks(t)
	dir := t.TempDir()
	p, err := NewPool(t.Context(), Procs(2), stateOf.Initializer(stateOrder{Dir: dir}), silent())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	awaitStarted(t, dir, 2)
	got, err := useState.Map(t.Context(), p, numbers(100), Chunksize(3))
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[int][]int) // by process
	for _, r := range got {
		used[r.PID] = append(used[r.PID], r.Attempt)
	}
	for pid, counts := range used {
		slices.Sort(counts)
		for i, n := range counts {
			if n != i+1 {
				t.Fatalf("the state of worker %d counts %v", pid, counts)
			}
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for _, pid := range started(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("ended.%d", pid)))
		if err != nil || string(text) != strconv.Itoa(len(used[pid])) {
			t.Errorf("exit function of worker %d, which used its state %d times: %q, %v", pid, len(used[pid]), text, err)
		}
	}
}

// An initializer that fails is the error of NewPool, at once, and not tried again.
func TestInitializerFails(t *testing.T) {
	checkLeaks(t)
	for _, do := range []string{"error", "panic", "exit", "Goexit"} {
		t.Run(do, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), hangTime)
			defer cancel()
			start := time.Now()
			p, err := NewPool(ctx, Procs(3), Spares(1), stateOf.Initializer(stateOrder{do, dir}), silent())
			if err == nil {
				p.Close()
			}
			t.Logf("after %v: %v", time.Since(start), err)
			if !errors.Is(err, ErrInitializer) || !strings.Contains(fmt.Sprint(err), "beginState") {
				t.Errorf("error %v, want ErrInitializer with the name of the function", err)
			}
			if !strings.Contains(fmt.Sprint(err), "no table") {
				t.Errorf("error %v does not say why", err)
			}
			if took := time.Since(start); took > slack {
				t.Errorf("it took %v", took)
			}
			if n := len(started(t, dir)); n > 4 {
				t.Errorf("%d processes were started", n)
			}
		})
	}
}

// An initializer that fails in a worker started later ends the pool.
func TestInitializerFailsLater(t *testing.T) {
	checkLeaks(t)
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := NewPool(t.Context(), Procs(1), stateOf.Initializer(stateOrder{Dir: dir}), silent())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	checkUsable(t, p)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := deedTask.Apply(t.Context(), p, deed{Do: "SIGKILL", Times: 1}); !errors.Is(err, ErrInitializer) {
		t.Errorf("error %v, want ErrInitializer", err)
	}
	if err := p.Close(); !errors.Is(err, ErrInitializer) {
		t.Errorf("Close: error %v, want ErrInitializer", err)
	}
}

func TestStateGetPanics(t *testing.T) {
	checkLeaks(t)
	if got := fmt.Sprint(recovered(func() { stateOf.Get(t.Context()) })); !strings.Contains(got, "outside of a task") {
		t.Errorf("outside of a task it panics with %q", got)
	}
	p := newPool(t, Procs(1))
	_, err := useState.Apply(t.Context(), p, 1)
	if e, ok := errors.AsType[*TaskError](err); !ok || !strings.Contains(e.Msg, "no such Initializer") {
		t.Errorf("in a pool without the initializer: error %v", err)
	}
}
