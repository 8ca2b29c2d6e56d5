package jobs

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

const (
	exitStatuses = `Exit status: 0 ok, 1 the job failed, 2 usage, 3 some pieces failed, 70 internal,
129 hung up, 130 interrupted, 143 terminated ("go run" makes 1 of all but 0)
`
	helpWidth = 80
)

func (a *app) printHelp(out io.Writer) error {
	var b strings.Builder
	b.WriteString("Run MapReduce jobs in worker processes.\n\n")
	for _, name := range names() {
		c, _ := Lookup(name)
		fmt.Fprintf(&b, "  %s\n", c.example(program+" "+name))
	}
	fmt.Fprintf(&b, "\nJobs (%s JOB --help):\n", program)
	for _, name := range names() {
		c, _ := Lookup(name)
		fmt.Fprintf(&b, "  %-11s %s\n", name, c.Summary)
	}
	b.WriteString("Commands:\n")
	for _, tool := range a.tools {
		fmt.Fprintf(&b, "  %-11s %s\n", tool.Name, tool.Summary)
	}
	if plugins := runnable(a.plugins()); len(plugins) > 0 {
		b.WriteString("Plugins:\n")
		for _, p := range plugins {
			fmt.Fprintf(&b, "  %-11s %s\n", p.Name, p.Path)
		}
	}
	b.WriteString("\n" + exitStatuses)
	_, err := io.WriteString(out, b.String())
	return err
}

func runnable(all []plugin) []plugin {
	return slices.DeleteFunc(all, func(p plugin) bool { return p.Problem != "" })
}

// example returns a whole command line of the job that is called name.
func (c Command) example(name string) string { return strings.TrimSpace(name + " " + c.Example) }

// usage returns the form of the job's command lines.
func (c Command) usage(name string) string { return strings.TrimSpace(name + " [flags] " + c.Args) }

// explained are the flags of all jobs that the short help explains; it names the others.
var explained = []string{"procs", "chunksize"}

// printHelp writes what fits on a screen.
func (c Command) printHelp(out io.Writer, name string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n  %s\n", c.Summary, c.example(name))
	if c.Args != "" {
		fmt.Fprintf(&b, "  %s\n", c.usage(name))
	}
	b.WriteByte('\n')
	for _, s := range c.sections() {
		var full, named []*pflag.Flag
		for _, f := range s.flags {
			if s.common && !slices.Contains(explained, f.Name) {
				named = append(named, f)
			} else {
				full = append(full, f)
			}
		}
		if s.common && len(full) > 0 {
			fmt.Fprintf(&b, "%s:\n", s.title)
			s.title = ""
		}
		writeFlags(&b, full, true)
		writeNames(&b, s.title, named)
	}
	fmt.Fprintf(&b, "Exit status: 0 ok, 1 failed, 2 usage, 3 some pieces failed, 130 interrupted\nMore about each flag: %s\n", helpCommand(name))
	_, err := io.WriteString(out, b.String())
	return err
}

// helpCommand returns the command that explains the job that is called name.
func helpCommand(name string) string {
	if job, ok := strings.CutPrefix(name, program+" "); ok {
		return program + " help " + job
	}
	return name + " --man | man -l -"
}

// explain writes all there is to say.
func (c Command) explain(out io.Writer, name string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n  %s\n\nExample:\n  %s\n", c.Summary, c.usage(name), c.example(name))
	for _, s := range c.sections() {
		fmt.Fprintf(&b, "\n%s:\n", s.title)
		writeFlags(&b, s.flags, false)
	}
	b.WriteString("\n" + jsonNote + "\n" + exitStatuses)
	_, err := io.WriteString(out, b.String())
	return err
}

// A flagSection is the flags under one heading.
type flagSection struct {
	title  string
	common bool
	flags  []*pflag.Flag
}

// sections returns the job's own flags, if it has any, and those of all jobs that it has not
// replaced by its own.
func (c Command) sections() (all []flagSection) {
	own := newFlagSet(c.Name)
	c.New(&Flags{own})
	all = append(all, flagSection{title: "Flags", flags: visible(own, nil)})
	running := DefaultRunning()
	for _, s := range running.sections() {
		set := newFlagSet(s.title)
		s.bind(&Flags{set})
		all = append(all, flagSection{s.title, true, visible(set, own)})
	}
	return slices.DeleteFunc(all, func(s flagSection) bool { return len(s.flags) == 0 })
}

func visible(set, replaced *pflag.FlagSet) (all []*pflag.Flag) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && (replaced == nil || replaced.Lookup(f.Name) == nil) {
			all = append(all, f)
		}
	})
	return all
}

// flagName shows a flag with its value as it is typed, such as "-n, --terms N".
func flagName(f *pflag.Flag) string {
	name, usage := "--"+f.Name, ""
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if usage = f.Value.Type(); usage == "bool" {
		return name
	}
	if f.NoOptDefVal != "" {
		return name + "[=" + usage + "]"
	}
	return name + " " + usage
}

// flagUsage explains a flag, with its default.
func flagUsage(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "false":
		return f.Usage
	}
	return fmt.Sprintf("%s (default %s)", f.Usage, f.DefValue)
}

// writeFlags writes a line for each flag, or more. With brief it leaves out what follows a semicolon
// in a text that is too long for one line.
func writeFlags(b *strings.Builder, flags []*pflag.Flag, brief bool) {
	indent := func(f *pflag.Flag) string {
		if f.Shorthand != "" {
			return "  " + flagName(f)
		}
		return "      " + flagName(f)
	}
	column := 0
	for _, f := range flags {
		column = max(column, len(indent(f))+3)
	}
	for _, f := range flags {
		usage := flagUsage(f)
		if first, _, cut := strings.Cut(f.Usage, "; "); brief && cut && column+utf8.RuneCountInString(usage) > helpWidth {
			usage = first + strings.TrimPrefix(usage, f.Usage)
		}
		fmt.Fprintf(b, "%-*s%s\n", column, indent(f), strings.Join(wrap(usage, helpWidth-column), "\n"+strings.Repeat(" ", column)))
	}
}

// writeNames writes the names of flags one after the other, behind a title.
func writeNames(b *strings.Builder, title string, flags []*pflag.Flag) {
	const hard = "\u00a0" // within a flag, lines are not wrapped
	var all []string
	for _, f := range flags {
		all = append(all, strings.ReplaceAll(flagName(f), " ", hard))
	}
	indent := "      "
	if title != "" {
		title = fmt.Sprintf("%-10s", title+":")
		indent = strings.Repeat(" ", len(title))
	}
	for i, line := range wrap(strings.Join(all, "  "), helpWidth-len(indent)) {
		if i > 0 || title == "" {
			title = indent
		}
		fmt.Fprintf(b, "%s%s\n", title, strings.ReplaceAll(line, hard, " "))
	}
}

// wrap cuts text at spaces into lines of at most width characters, where there are spaces.
func wrap(text string, width int) (lines []string) {
	for utf8.RuneCountInString(text) > width {
		head := string([]rune(text)[:width+1])
		cut := strings.LastIndexByte(head, ' ')
		if cut <= 0 {
			if cut = strings.IndexByte(text, ' '); cut < 0 {
				break
			}
		}
		lines = append(lines, strings.TrimRight(text[:cut], " "))
		text = strings.TrimLeft(text[cut:], " ")
	}
	if text == "" {
		return lines
	}
	return append(lines, text)
}
