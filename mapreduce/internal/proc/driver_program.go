package proc

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// What has to be known before the working directory may change, of a program whose file the system
// does not tell.
var (
	loaderWords []string // the dynamic loader, its options, and the program that it was to run; nil: this was started as usual
	lookedUp    string   // where the first word of the command line is found, if there is no /proc
	lookUpError error    // or why not
)

// A worker needs it only if it starts workers itself, and was started by a path that is absolute.
func init() {
	if !Marked() {
		lookUpProgram()
	}
}

// firstArgs are os.Args as the program finds them; it may cut them later.
var firstArgs = os.Args

var lookUpProgram = sync.OnceFunc(func() {
	path, err := os.Executable()
	switch {
	case err != nil:
		lookedUp, lookUpError = exec.LookPath(os.Args[0])
		if lookUpError == nil {
			lookedUp, lookUpError = filepath.Abs(lookedUp)
		}
	case strings.HasPrefix(filepath.Base(path), "ld"): // ld-linux-x86-64.so.2, ld-musl-x86_64.so.1, ld.so
		loaderWords = wordsBefore(firstArgs)
	}
})

// wordsBefore returns the words before args in the command line as the kernel knows it, and the
// first of args.
func wordsBefore(args []string) []string {
	text, err := os.ReadFile("/proc/self/cmdline")
	words := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	n := len(words) - len(args)
	if err != nil || n < 1 {
		return nil
	}
	program, err := filepath.Abs(words[n])
	if err != nil {
		return nil
	}
	return append(slices.Clone(words[:n]), program)
}

// commandLine returns the file to execute for a worker, and its arguments, the first of which is
// what ps shows.
func (spec *Spec) commandLine() (path string, argv []string, err error) {
	args := spec.Args
	if args == nil {
		args = os.Args[1:]
	}
	shown := fmt.Sprintf("%s [%s]", filepath.Base(os.Args[0]), cmp.Or(spec.Name, fmt.Sprintf("worker %d", spec.ID)))
	if spec.Path != "" {
		return spec.Path, append([]string{shown}, args...), nil
	}
	lookUpProgram()
	path, err = executable()
	if loaderWords != nil {
		return path, slices.Concat(loaderWords, args), err
	}
	return path, append([]string{shown}, args...), err
}

// executable returns the path of this program: its name while that still is the same file, else a
// name for the file that runs, which may have been deleted or replaced.
func executable() (string, error) {
	path, err := os.Executable()
	if runtime.GOOS != "linux" {
		return path, err
	}
	if err != nil {
		if lookUpError != nil {
			return "", fmt.Errorf("find this program, without /proc: mount it, or start the program by its path: %w", lookUpError)
		}
		return lookedUp, nil
	}
	const self = "/proc/self/exe"
	named, err1 := os.Stat(path)
	running, err2 := os.Stat(self)
	if err1 == nil && (err2 != nil || os.SameFile(named, running)) {
		return path, nil
	}
	return self, nil
}
