package mapreduce

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"mrrun/internal/faulty"
	"mrrun/shared"
	"mrrun/transport"
)

const (
	refusedVariable = "MRRUN_TEST_REFUSED" // errno with which memfd_create shall fail
	becomeVariable  = "MRRUN_TEST_BECOME"  // user that an initializer changes to
)

var (
	enlargeTask = Func(enlarge)
	nameTask    = Func(programName)
	closeTask   = Func(closeEnd)

	becomeUser = NewState(func(_ context.Context, uid int) (int, error) { return uid, syscall.Setuid(uid) }, nil)
)

func programName(int) string { return os.Args[0] }

func closeEnd(end *transport.PipeEnd[int]) bool { return end.Close() == nil }

func enlarge(b []byte) []byte { return append(b, 1) }

func init() {
	scenarios["surroundings"] = func() {
		if errno, _ := strconv.Atoi(os.Getenv(refusedVariable)); errno != 0 {
			os.Unsetenv(refusedVariable)
			err := faulty.RefuseMemfd(syscall.Errno(errno))
			if err == nil { // anew, as this process may have made some already
				err = unix.Exec(os.Args[0], os.Args, os.Environ())
			}
			panic(err)
		}
		Main(func(ctx context.Context) error {
			opts := []PoolOption{Procs(2), Chunksize(1)}
			if uid, err := strconv.Atoi(os.Getenv(becomeVariable)); err == nil {
				opts = append(opts, becomeUser.Initializer(uid))
			}
			p, err := NewPool(ctx, opts...)
			if err != nil {
				return err
			}
			defer p.Terminate()
			large, err := enlargeTask.Map(ctx, p, make([][]byte, 3))
			if err == nil {
				large, err = enlargeTask.Map(ctx, p, [][]byte{make([]byte, 1<<20), make([]byte, 1<<20)})
			}
			if err != nil {
				return err
			}
			name, err := nameTask.Apply(ctx, p, 0)
			if err != nil {
				return err
			}
			process, err := enlargeTask.Start(ctx, make([]byte, 1<<20))
			if err != nil {
				return err
			}
			result, err := process.Wait()
			if err != nil {
				return err
			}
			fmt.Println("did", len(large[1]), len(result), name == os.Args[0])
			fmt.Println("lock", tryLock(ctx))
			fmt.Println("pipe", sendPipe(ctx, p))
			return p.Close()
		})
	}
}

func tryLock(ctx context.Context) error {
	l, err := shared.NewLock()
	if err != nil {
		return err
	}
	if err := l.Lock(ctx); err != nil {
		return err
	}
	l.Unlock()
	return l.Close()
}

func sendPipe(ctx context.Context, p *Pool) error {
	one, other, err := transport.Pipe[int]()
	if err != nil {
		return err
	}
	defer one.Close()
	_, err = closeTask.Apply(ctx, p, other)
	return err
}

// unreadable returns a command that runs a copy of this binary which its user may execute and not
// read.
func unreadable(t *testing.T) *exec.Cmd {
	dir, err := os.MkdirTemp("", "mrrun-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "copy")
	if out, err := exec.Command("install", "--mode=111", os.Args[0], path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := asUser(exec.Command(path))
	cmd.Path = path
	return cmd
}

// loader returns the dynamic loader of this binary, empty if it needs none.
func loader(t *testing.T) string {
	file, err := elf.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	section := file.Section(".interp")
	if section == nil {
		return ""
	}
	name, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(name), "\x00")
}

// Pools and processes work where there is no shared memory, or where processes cannot find that of
// others, or this program's file; what cannot work says what is missing.
func TestSurroundings(t *testing.T) {
	uid := os.Getuid()
	if uid == 0 {
		uid = 65534
	}
	const works = "<nil>"
	tests := []struct {
		name       string
		cmd        *exec.Cmd
		env        string
		lock, pipe string // a part of their errors
	}{
		{"all there", thisBinary(nil), "", works, works},
		{"memfd not permitted", thisBinary(nil), fmt.Sprintf("%s=%d", refusedVariable, unix.EPERM), "seccomp", "seccomp"},
		{"memfd not known", thisBinary(nil), fmt.Sprintf("%s=%d", refusedVariable, unix.ENOSYS), "seccomp", "seccomp"},
		{"no /proc", thisBinary([]string{"unshare", "--map-root-user", "--mount", "sh", "-c", `mount -t tmpfs none /proc && exec "$0"`}), "", works, "/proc, which is not mounted"},
		{"unreadable file", unreadable(t), "", works, "permission denied"},
		{"initializer changes the user", thisBinary(nil), fmt.Sprintf("%s=%d", becomeVariable, uid), works, ""},
	}
	if name := loader(t); name != "" {
		tests = append(tests, tests[0])
		last := &tests[len(tests)-1]
		last.name, last.cmd = "through the loader", thisBinary([]string{name})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, "surroundings", test.cmd, test.env)
			if got, want := p.await("did", 1)[0], fmt.Sprint(1<<20+1, 1<<20+1, true); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := p.await("lock", 1)[0]; !strings.Contains(got, test.lock) {
				t.Errorf("lock: %s", got)
			}
			if got := p.await("pipe", 1)[0]; !strings.Contains(got, test.pipe) {
				t.Errorf("pipe: %s", got)
			}
			code := p.exit()
			for line := range strings.Lines(p.stderr.String()) {
				if !strings.Contains(line, "WARNING: reading executable name failed") { // the race detector's, without /proc
					t.Errorf("on standard error: %s", line)
				}
			}
			if code != 0 {
				t.Errorf("exit status %d", code)
			}
		})
	}
}
