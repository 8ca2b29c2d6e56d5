package jobs

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// man writes the manual page, made from the texts of the help, in the roff that man reads.
func (a *app) man(_ context.Context, words []string, out io.Writer) error {
	if len(words) > 0 {
		return usagef("man takes no arguments such as %q: %s man | man -l -", words[0], program)
	}
	var m manual
	if a.only != nil {
		m.title(program, strings.TrimSuffix(a.only.Summary, "."))
		m.heading("SYNOPSIS")
		m.line(a.only.usage(program))
		m.heading("EXAMPLE")
		m.line(a.only.example(program))
		m.sections(a.only.sections())
	} else {
		a.manual(&m)
	}
	m.heading("JSON")
	m.text(jsonNote)
	m.heading("EXIT STATUS")
	m.text(strings.TrimPrefix(exitStatuses, "Exit status: "))
	_, err := io.WriteString(out, m.String())
	return err
}

// manual is the page of a program with several jobs: what these have in common comes once.
func (a *app) manual(m *manual) {
	m.title(program, "run MapReduce jobs in worker processes")
	m.heading("SYNOPSIS")
	m.line(program + " JOB [flags] [arguments]")
	m.heading("JOBS")
	var common []flagSection
	for _, name := range names() {
		c, _ := Lookup(name)
		m.part(name)
		m.text(c.Summary)
		m.line(c.usage(program + " " + name))
		m.line(c.example(program + " " + name))
		common = nil
		for _, s := range c.sections() {
			if s.common {
				common = append(common, s)
			} else {
				m.flags(s)
			}
		}
	}
	m.sections(common)
	m.heading("COMMANDS")
	for _, tool := range a.tools {
		m.item(tool.Name, tool.Summary)
	}
}

// A manual is text in roff.
type manual struct{ strings.Builder }

// title begins the page.
func (m *manual) title(name, summary string) {
	fmt.Fprintf(m, ".TH %s 1 \"\" \"mrrun %s\"\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(name)), Version, roff(name), roff(summary))
}

func (m *manual) heading(title string) { fmt.Fprintf(m, ".SH %s\n", title) }
func (m *manual) part(title string)    { fmt.Fprintf(m, ".SS %s\n", roff(title)) }
func (m *manual) text(text string)     { fmt.Fprintf(m, "%s\n", roffLines(text)) }
func (m *manual) line(text string)     { fmt.Fprintf(m, ".PP\n.B %s\n", roff(text)) }

func (m *manual) item(name, text string) {
	fmt.Fprintf(m, ".TP\n.B %s\n%s\n", roff(name), roffLines(text))
}

func (m *manual) sections(all []flagSection) {
	for _, s := range all {
		m.heading(strings.ToUpper(s.title))
		m.flags(s)
	}
}

func (m *manual) flags(s flagSection) {
	for _, f := range s.flags {
		m.item(flagName(f), flagUsage(f))
	}
}

// roff escapes a line.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, `"`, `\(dq`).Replace(text)
}

// roffLines escapes each line, so that none begins with a request.
func roffLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		if strings.HasPrefix(line, ".") {
			b.WriteString(`\&`)
		}
		b.WriteString(roff(line))
	}
	return b.String()
}
