package main

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "mrrun"

// layers has the packages in the order in which they may import: each only those of an earlier
// line. The first pattern that matches a package gives its place; a pattern that ends in / stands
// for everything below a directory.
var layers = [][]string{
	{"internal/stdio", "internal/plain", "internal/unnamed", "internal/hold", "internal/cores", "internal/faulty", "internal/usage", "internal/ntt"},
	{"internal/outfile", "internal/decimal"},
	{"internal/shm"},
	{"internal/shm/"},
	{"internal/stream"},
	{"shared"},
	{"transport"},
	{"internal/shuffle"},
	{"mapreduce/internal/"}, // may import each other: they are one layer to all others
	{"mapreduce"},
	{"jobs/text", "jobs/bignum"},
	{"mapreduce/manager", "jobs"},
	{"mapreduce/manager/", "jobs/jobstest"},
	{"jobs/"},
	{"bench"},
	{"cmd/", "examples/"},
}

// coreModules are all modules that transport and mapreduce may need: start-up time is a feature.
var coreModules = []string{
	"github.com/vmihailenco/msgpack/v5",
	"github.com/vmihailenco/tagparser/v2",
	"golang.org/x/sync",
	"golang.org/x/sys",
}

// commandModules are all modules that may be linked into the command.
var commandModules = append([]string{
	"github.com/aclements/go-moremath", // of x/perf
	"github.com/spf13/pflag",
	"golang.org/x/perf",
	"golang.org/x/term",
}, coreModules...)

func layerOf(t *testing.T, path string) int {
	t.Helper()
	name := strings.TrimPrefix(path, module+"/")
	for i, patterns := range layers {
		for _, pattern := range patterns {
			if name == pattern || strings.HasSuffix(pattern, "/") && strings.HasPrefix(name, pattern) {
				return i
			}
		}
	}
	t.Errorf("%s has no place in layers: give it one", path)
	return -1
}

func TestImportsGoOneWay(t *testing.T) {
	packages := goList(t, "{{.ImportPath}} {{join .Imports ` `}}", "./...")
	if len(packages) < 5 {
		t.Fatalf("only %d packages found", len(packages))
	}
	for _, line := range packages {
		path, imports := line[0], line[1:]
		for _, imported := range imports {
			if !strings.HasPrefix(imported, module+"/") {
				continue
			}
			above, below := layerOf(t, path), layerOf(t, imported)
			among := strings.HasPrefix(path, module+"/mapreduce/internal/")
			if below > above || below == above && !among {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}

// Every worker pays for the init functions of what its program imports. So a worker has exactly
// these packages of others, and none of the heavy ones of the standard library.
func TestWorkerImports(t *testing.T) {
	want := []string{
		"github.com/vmihailenco/msgpack/v5",
		"github.com/vmihailenco/msgpack/v5/msgpcode",
		"github.com/vmihailenco/tagparser/v2",
		"github.com/vmihailenco/tagparser/v2/internal",
		"github.com/vmihailenco/tagparser/v2/internal/parser",
		"golang.org/x/sys/unix",
	}
	heavy := []string{
		"crypto/tls", "crypto/x509", "encoding/gob", "encoding/xml", "expvar", "flag", "go/ast", "html/template", "image",
		"mime/multipart", "net", "net/http", "net/rpc", "net/url", "testing", "text/template",
	}
	var others []string
	for _, line := range goList(t, "{{.ImportPath}} {{.Standard}}", "-deps", "./shared", "./transport", "./mapreduce") {
		switch path, standard := line[0], line[1] == "true"; {
		case standard && slices.Contains(heavy, path):
			t.Errorf("a worker imports %s", path)
		case !standard && !strings.HasPrefix(path, module+"/"):
			others = append(others, path)
		}
	}
	slices.Sort(others)
	if !slices.Equal(others, want) {
		t.Errorf("a worker imports %q, want %q", others, want)
	}
}

func TestCoreNeedsLittle(t *testing.T) {
	for _, line := range goList(t, "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}", "-deps", "./shared/...", "./transport/...", "./mapreduce/...") {
		if len(line) == 1 || line[1] == module { // the standard library, or ours
			continue
		}
		if !slices.Contains(coreModules, line[1]) {
			t.Errorf("transport and mapreduce need %s of module %s", line[0], line[1])
		}
	}
}

// TLS would add a tenth of a millisecond to the start of each worker, so packages of their own use
// it.
func TestCommandHasNoTLS(t *testing.T) {
	deps := goList(t, "{{.ImportPath}}", "-deps", "./cmd/mrrun")
	linked := func(path string) bool {
		return slices.ContainsFunc(deps, func(line []string) bool { return line[0] == path })
	}
	if !linked("mrrun/mapreduce/manager") || linked("crypto/tls") || linked("crypto/x509") {
		t.Error("the command has no managers, or it has TLS linked in")
	}
}

// goList returns the words of each line that go list prints in the root of the module.
func goList(t *testing.T, format string, args ...string) [][]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-f", format}, args...)...)
	cmd.Dir = "../.."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

var builtDir string // removed by TestMain

// built returns the path of the real binary, which is built once, as users are told to build it.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mrrun-built-*")
	if err != nil {
		return "", err
	}
	builtDir = dir
	path := filepath.Join(dir, "mrrun")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return path, cmd.Run()
})

// TestBuiltCommand checks the binary: it is static, contains only allowed modules, and runs.
func TestBuiltCommand(t *testing.T) {
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		checkStatic(t, path)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		if !slices.Contains(commandModules, m.Path) {
			t.Errorf("module %s is linked into mrrun", m.Path)
		}
	}
	out, err := exec.Command(path, "pi", "-n", "1e8", "-procs", "4").CombinedOutput()
	if string(out) != "3.141592643589793\n" || err != nil {
		t.Errorf("mrrun pi -n 1e8 -procs 4 prints %q, %v", out, err)
	}
}

func checkStatic(t *testing.T, path string) {
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("mrrun needs a dynamic loader")
		}
	}
	if libraries, _ := f.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("mrrun needs the libraries %q", libraries)
	}
}
