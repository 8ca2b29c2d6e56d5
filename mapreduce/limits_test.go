//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slack is how much later than promised something may happen on a busy machine. A task that hangs
// does so for an hour.
const slack = 3 * time.Second

// eat allocates memory, and uses it, without end.
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

// surroundings is what a worker sees of its process's options.
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
	s.Nice = 20 - raw // the kernel's way to avoid negative numbers
	for _, tid := range entries("/proc/self/task") {
		n, _ := strconv.Atoi(tid)
		var set unix.CPUSet
		if unix.SchedGetaffinity(n, &set) != nil {
			continue // the thread has ended
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
	for _, n := range []int{5, 19} {
		if got := get(Nice(n)); got.Nice != min(plain.Nice+n, 19) {
			t.Errorf("Nice(%d) below %d: %d", n, plain.Nice, got.Nice)
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

var victimTask *Task[int, []int]

func init() {
	victimTask = FuncContext(func(ctx context.Context, depth int) ([]int, error) {
		text, err := os.ReadFile("/proc/self/oom_score_adj")
		if err != nil {
			return nil, err
		}
		score, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || depth == 0 {
			return []int{score}, err
		}
		p, err := NewPool(ctx, Procs(1))
		if err != nil {
			return nil, err
		}
		defer p.Close()
		below, err := victimTask.Apply(ctx, p, depth-1)
		return append([]int{score}, below...), err
	})
}

// When the machine runs out of memory, the kernel kills workers before their driver.
func TestWorkersAreKilledFirst(t *testing.T) {
	checkLeaks(t)
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	got, err := victimTask.Apply(t.Context(), newPool(t), 1)
	if err != nil || len(got) != 2 || got[0] <= own || got[1] <= got[0] {
		t.Errorf("the driver has %d, its worker and that one's worker have %v; %v", own, got, err)
	}
}
