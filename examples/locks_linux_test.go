package examples

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dieOnce is what the examples run below when they have just locked a lock: the first process to
// run it is killed.
const dieOnce = `package main

import (
	"os"
	"syscall"
)

func dieOnce() {
	if os.Mkdir(os.Getenv("DIED_HOLDING"), 0o700) == nil {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
`

// TestKilledHolders kills a worker of each example while it holds a lock: the example ends as it
// does otherwise.
func TestKilledHolders(t *testing.T) {
	tmp := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	write := func(name string, text string) string {
		path := filepath.Join(tmp, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	die := write("die.go", dieOnce)
	sources, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-overlay", filepath.Join(tmp, "overlay.json"), "-o", tmp + "/bin/"}
	var names []string
	for _, source := range sources {
		text, holds := atHolding(t, source, "dieOnce()")
		if holds == 0 {
			continue
		}
		name := filepath.Dir(source)
		dir, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(dir, "main.go")] = write(name+".go", text)
		overlay["Replace"][filepath.Join(dir, "die.go")] = die
		names, args = append(names, name), append(args, "./"+name)
	}
	if len(names) < 6 {
		t.Errorf("only %q hold a lock by Do", names)
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	write("overlay.json", string(b))
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			died := filepath.Join(t.TempDir(), "died")
			stderr := mustPrint(t, expected(t, name+"/main.go"), filepath.Join(tmp, "bin", name), "DIED_HOLDING="+died)
			if _, err := os.Stat(died); err != nil || !strings.Contains(stderr, "killed") {
				t.Errorf("no worker was killed: %v; on standard error: %s", err, stderr)
			}
		})
	}
}

// atHolding returns a source with statement inserted at the beginning of each function that a Do
// runs with a lock held.
func atHolding(t *testing.T, source, statement string) (text string, holds int) {
	t.Helper()
	b, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, source, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	from := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && methodOf(call) == "Do" && len(call.Args) > 1 {
			if f, ok := call.Args[1].(*ast.FuncLit); ok {
				at := files.Position(f.Body.Lbrace).Offset + 1
				text += string(b[from:at]) + statement + ";"
				from, holds = at, holds+1
			}
		}
		return true
	})
	return text + string(b[from:]), holds
}

// methodOf returns the name of the method that is called, or "".
func methodOf(call *ast.CallExpr) string {
	if f, ok := call.Fun.(*ast.SelectorExpr); ok {
		return f.Sel.Name
	}
	return ""
}

// TestExamplesHoldLocksByDo refuses, in everything that users copy, the form that hangs after a
// death: Lock and TryLock of shared locks in a function that does not handle ErrOwnerDied, with
// which the lock is held.
func TestExamplesHoldLocksByDo(t *testing.T) {
	declarations := 0
	look := func(name string, src any, taught func(ast.Decl) bool) {
		t.Helper()
		bad, n := holdsByHand(t, name, src, taught)
		declarations += n
		for _, at := range bad {
			t.Errorf("%s: use Do with a Repair, or deal with ErrOwnerDied", at)
		}
	}
	all := func(ast.Decl) bool { return true }
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case filepath.Base(path) == "main.go" && strings.HasPrefix(path, "../examples/"):
			look(path, nil, all)
		case strings.HasSuffix(path, "_test.go"):
			look(path, nil, isExample)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```go\n(package .*?)```").FindAllSubmatch(readme, -1) {
		look("README.md", block[1], all)
	}
	if declarations < 150 {
		t.Errorf("only %d declarations were found", declarations)
	}
}

func isExample(d ast.Decl) bool {
	f, ok := d.(*ast.FuncDecl)
	return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example")
}

func TestHoldsByHand(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		bad  int
	}{
		"returns on any error": {`if err := l.Lock(ctx); err != nil { return err }; defer l.Unlock(); return nil`, 1},
		"ignores it":           {`_ = v.Lock().Lock(ctx); return nil`, 1},
		"tries":                {`ok, err := l.TryLock(); if err != nil || !ok { return err }; l.Unlock(); return nil`, 1},
		"knows":                {`if err := l.Lock(ctx); err != nil && !errors.Is(err, shared.ErrOwnerDied) { return err }; return nil`, 0},
		"Do":                   {`return l.Do(ctx, func() error { return nil }, whole)`, 0},
		"a mutex":              {`m.Lock(); defer m.Unlock(); return nil`, 0},
	} {
		src := "package p\nfunc f() error { " + c.body + " }"
		if bad, _ := holdsByHand(t, name, src, func(ast.Decl) bool { return true }); len(bad) != c.bad {
			t.Errorf("%s: %d places are refused, want %d", name, len(bad), c.bad)
		}
	}
}

// holdsByHand returns where a source locks shared locks in a declaration that does not handle
// ErrOwnerDied.
func holdsByHand(t *testing.T, name string, src any, taught func(ast.Decl) bool) (bad []string, declarations int) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if !taught(d) {
			continue
		}
		declarations++
		var at []string
		knows := false
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				knows = knows || n.Name == "ErrOwnerDied"
			case *ast.CallExpr:
				if m := methodOf(n); m == "Lock" && len(n.Args) == 1 || m == "TryLock" {
					at = append(at, files.Position(n.Pos()).String())
				}
			}
			return true
		})
		if !knows {
			bad = append(bad, at...)
		}
	}
	return bad, declarations
}
