package jobs

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// withPath puts the files, with their modes, into folders and makes these the PATH.
func withPath(t *testing.T, folders ...map[string]os.FileMode) (paths []string) {
	t.Helper()
	for _, files := range folders {
		dir := t.TempDir()
		for name, mode := range files {
			path := filepath.Join(dir, name)
			if mode.IsDir() {
				if err := os.Mkdir(path, 0o755); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 1\n"), mode); err != nil {
				t.Fatal(err)
			}
		}
		paths = append(paths, dir)
	}
	t.Setenv("PATH", strings.Join(append(paths, "relative", ""), string(filepath.ListSeparator)))
	return paths
}

func TestPlugins(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	dirs := withPath(t,
		map[string]os.FileMode{"mrrun-b": 0o755, "mrrun-x": 0o644, "mrrun-folder": os.ModeDir, "mrrun-": 0o755, "other": 0o755},
		map[string]os.FileMode{"mrrun-a": 0o755, "mrrun-b": 0o755, "mrrun-x": 0o755, "mrrun-double": 0o755, "mrrun-help": 0o755})
	a := app{}
	a.tools = a.builtin()
	var got []string
	for _, p := range a.plugins() {
		got = append(got, strings.TrimSpace(p.Name+" "+p.Problem))
	}
	want := []string{"a", "b", "b is hidden by " + dirs[0] + "/mrrun-b", "double is never run: double is built in", "help is never run: help is built in",
		"x is not executable; chmod +x it", "x"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, path := range map[string]string{"a": dirs[1] + "/mrrun-a", "b": dirs[0] + "/mrrun-b", "x": dirs[1] + "/mrrun-x", "": "", "folder": "", "../mrrun-a": "", "c": ""} {
		if got := findPlugin(name); got != path {
			t.Errorf("%q runs %q, want %q", name, got, path)
		}
	}
	help, err := runLine(t, []Tool{{Name: "echo", Summary: "Echo."}}, "--help")
	if err != nil {
		t.Fatal(err)
	}
	wantParts(t, help, "\nPlugins:\n  a           "+dirs[1]+"/mrrun-a\n  b           "+dirs[0]+"/mrrun-b\n")
	if _, err := runLine(t, []Tool{{Name: "echo"}}, "aa"); err == nil || err.Error() != `no job "aa"; did you mean "a"? (mrrun --help lists all)` {
		t.Errorf("got %v", err)
	}
}

func TestVersionText(t *testing.T) {
	goVersion := versionText("", &debug.BuildInfo{})[len(" "+Version+" "):]
	info := &debug.BuildInfo{Main: debug.Module{Path: "mrrun", Version: "(devel)"}}
	if got, want := versionText("mrrun", info), "mrrun "+Version+" "+goVersion; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	info.Main = debug.Module{Path: "example.com/thumbs", Version: "v1.2.0"}
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	if got, want := versionText("mrrun-thumbs", info), "mrrun-thumbs v1.2.0, of mrrun "+Version+" (commit 0123456789ab, modified) "+goVersion; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The program of this test is one that was built with mrrun.
func TestReadBuildInfo(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readBuildInfo(path)
	if err != nil || got.Main != want.Main || !slices.EqualFunc(got.Deps, want.Deps, func(a, b *debug.Module) bool { return *a == *b }) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	p := plugin{Path: path}
	if p.describe(); p.Version != want.Main.Version || p.Mrrun != want.Main.Version {
		t.Errorf("got %+v, want version %s", p, want.Main.Version)
	}
	none := filepath.Join(t.TempDir(), "none")
	for _, text := range []string{"", "\xff Go build" + "inf:", "#!/bin/sh\n" + strings.Repeat("\xff Go build"+"inf:\x08\x02", 100)} {
		if err := os.WriteFile(none, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if got, err := readBuildInfo(none); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
