package jobs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
)

// A plugin is a program on PATH whose name begins with that of this one: mrrun-NAME is run as "mrrun
// NAME". It is started in place of this process, so it is its own driver and has its own workers.
type plugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`    // of its main module; - if it is not a Go program
	Mrrun   string `json:"built_with"` // version of mrrun; - if it has none
	Path    string `json:"path"`
	Problem string `json:"problem,omitempty"` // why it is never run
}

// plugins returns all plugins, in the order of their names and of PATH.
func (a *app) plugins() (all []plugin) {
	for _, dir := range pluginFolders() {
		files, _ := os.ReadDir(dir) // a folder that cannot be read has nothing to run
		for _, file := range files {
			name, ok := strings.CutPrefix(file.Name(), program+"-")
			path := filepath.Join(dir, file.Name())
			info, err := os.Stat(path)
			if !ok || name == "" || err != nil || !info.Mode().IsRegular() {
				continue
			}
			p := plugin{Name: name, Path: path}
			first := slices.IndexFunc(all, func(q plugin) bool { return q.Name == name && q.Problem == "" })
			switch {
			case info.Mode().Perm()&0o111 == 0:
				p.Problem = "is not executable; chmod +x it"
			case slices.Contains(a.builtinNames(), name):
				p.Problem = "is never run: " + name + " is built in"
			case first >= 0:
				p.Problem = "is hidden by " + all[first].Path
			}
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b plugin) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// pluginFolders returns the folders of PATH. Relative ones are left out: what they name depends on
// where the user is.
func pluginFolders() (all []string) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(dir) && !slices.Contains(all, filepath.Clean(dir)) {
			all = append(all, filepath.Clean(dir))
		}
	}
	return all
}

// findPlugin returns the path of the plugin with that name, or "" if there is none.
func findPlugin(name string) string {
	if name == "" || strings.ContainsRune(name, filepath.Separator) {
		return ""
	}
	for _, dir := range pluginFolders() {
		path := filepath.Join(dir, program+"-"+name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// runPlugin replaces this process by the plugin. It returns only if that fails.
func runPlugin(path string, words []string) error {
	err := syscall.Exec(path, append([]string{path}, words...), os.Environ())
	return fmt.Errorf("run the plugin %s: %w", path, err)
}

// describe finds the versions in the plugin's file, and does not run it.
func (p *plugin) describe() {
	p.Version, p.Mrrun = "-", "-"
	info, err := readBuildInfo(p.Path)
	if err != nil {
		return
	}
	p.Version = cmp.Or(info.Main.Version, "-")
	if info.Main.Path == module {
		p.Mrrun = p.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			p.Mrrun = dep.Version
			if dep.Replace != nil {
				p.Mrrun = cmp.Or(dep.Replace.Version, "(devel)")
			}
		}
	}
}

func (a *app) listPlugins(_ context.Context, words []string, out io.Writer) error {
	asJSON := false
	args, err := ParseFlags(program+" plugins", words, func(f *Flags) { f.Bool(&asJSON, "json", "print a JSON object a line") })
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usagef("plugins takes only flags, no arguments such as %q (see %s --help)", args[0], program)
	}
	all := a.plugins()
	for i := range all {
		all[i].describe()
	}
	if asJSON {
		for _, p := range all {
			if err := WriteJSON(out, p); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "NAME\tVERSION\tBUILT WITH\tPATH\n")
	for _, p := range all {
		if p.Problem == "" {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Name, p.Version, strings.TrimSuffix("mrrun "+p.Mrrun, "mrrun -"), p.Path)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, p := range all {
		if p.Problem != "" {
			fmt.Fprintf(os.Stderr, "%s: %s %s\n", program, p.Path, p.Problem)
		}
	}
	return nil
}
