package bench

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mrrun/jobs"
)

// exporters are the forms in which a report is written, by the ends of the names of files.
var exporters = []struct {
	suffix string
	write  func(*report, io.Writer) error
}{
	{".json", (*report).writeJSON}, {".csv", (*report).writeCSV}, {".md", (*report).writeMarkdown},
	{".svg", (*report).writeSVG}, {".html", (*report).writeHTML},
}

// exporter returns the function that writes the form that the name of a file asks for, or nil.
func exporter(file string) func(*report, io.Writer) error {
	for _, e := range exporters {
		if strings.EqualFold(filepath.Ext(file), e.suffix) {
			return e.write
		}
	}
	return nil
}

// checkExports returns an error about a file that cannot be written, before anything is measured.
func checkExports(files []string) error {
	for _, file := range files {
		if exporter(file) == nil {
			return jobs.Usagef("--export %s: the name must end in .json, .csv, .md, .svg or .html (see mrrun bench --help)", file)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return fmt.Errorf("bench: export %s: there is no folder %s", file, filepath.Dir(file))
		}
	}
	return nil
}

// export writes the files.
func (r *report) export(files []string) error {
	for _, file := range files {
		var b strings.Builder
		err := exporter(file)(r, &b)
		if err == nil {
			err = os.WriteFile(file, []byte(b.String()), 0o666)
		}
		if err != nil {
			return fmt.Errorf("bench: export: %w", err)
		}
	}
	return nil
}

func (r *report) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// readReport reads what writeJSON has written.
func readReport(file string) (*report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("bench: --against: %w", err)
	}
	r := &report{}
	if err := json.Unmarshal(text, r); err != nil || len(r.Rows) == 0 {
		return nil, fmt.Errorf("bench: --against %s: it is not what --export FILE.json writes", file)
	}
	return r, nil
}

func (r *report) writeCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	lines := [][]string{{"name", "procs", "median_seconds", "low_seconds", "high_seconds", "speedup", "efficiency", "start_seconds", "wait", "memory_bytes", "rounds"}}
	for _, row := range r.Rows {
		lines = append(lines, []string{row.Name, strconv.Itoa(row.Procs), number(row.Median), number(row.Low), number(row.High), number(row.Speedup),
			number(row.Efficiency), number(row.Start), number(row.Wait), strconv.FormatInt(row.Memory, 10), strconv.Itoa(len(row.Seconds))})
	}
	return w.WriteAll(lines)
}

func (r *report) writeMarkdown(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "`mrrun bench %s`: %d processors, %s, %s, %d rounds interleaved.\n\n", r.Command, r.CPUs, r.CPU, r.Go, r.Rounds)
	titles := r.columns()
	fmt.Fprintf(&b, "| | %s |\n|%s\n", strings.Join(titles, " | "), strings.Repeat("---|", len(titles)+1))
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s |\n", row.title(), strings.Join(r.cells(row, ""), " | "))
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(r.remarks(nil), "\n\n"))
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *report) writeHTML(out io.Writer) error {
	var b strings.Builder
	title := html.EscapeString("mrrun bench " + r.Command)
	fmt.Fprintf(&b, `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>%s</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse } th, td { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
</style>
<h1>%[1]s</h1>
<p>%d processors, %s, %s, %d rounds interleaved.</p>
<table><tr><th></th>`, title, r.CPUs, html.EscapeString(r.CPU), r.Go, r.Rounds)
	for _, c := range r.columns() {
		fmt.Fprintf(&b, "<th>%s</th>", html.EscapeString(c))
	}
	b.WriteString("</tr>\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "<tr><td>%s</td>", html.EscapeString(row.title()))
		for _, c := range r.cells(row, "") {
			fmt.Fprintf(&b, "<td>%s</td>", html.EscapeString(c))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table>\n")
	if err := r.writeSVG(&b); err != nil {
		return err
	}
	for _, line := range r.remarks(nil) {
		fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(line))
	}
	b.WriteString("</html>\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// figures are the rows in the form of the scripts that measure other frameworks.
func (r *report) figures(chunksize int) (all []figure) {
	for _, row := range r.Rows {
		f := newFigure(r.Job, row.Procs, chunksize, r.Items, row.Seconds, r.Equal)
		if row.Name != "procs" {
			f.Framework = row.Name
		}
		f.Startup, f.Speedup, f.Efficiency = row.Start, row.Speedup, row.Efficiency
		all = append(all, f)
	}
	return all
}
