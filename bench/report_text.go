package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchmath"
)

// writeText writes the report for people.
func (r *report) writeText(out io.Writer, exports []string) error {
	fmt.Fprintf(out, "%s · %d processors, %s · %s · %d rounds interleaved, 1 warm-up\n", r.Command, r.CPUs, r.CPU, r.Go, r.Rounds)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\t"+strings.Join(r.columns(), "\t"))
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\n", row.title(), strings.Join(r.cells(row, r.bar(row)), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, line := range r.remarks(exports) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// columns are the titles of the columns but the first.
func (r *report) columns() []string {
	all := []string{"time", "95 % interval", "speed-up", "efficiency", "start", "wait", "memory"}
	if r.old != nil {
		all = append(all, "against")
	}
	return all
}

// cells are the columns of a row but the first; bar follows the speed-up.
func (r *report) cells(row row, bar string) []string {
	interval, efficiency, start, wait, memory := "", "", "", "", ""
	if row.High > 0 {
		interval = seconds(row.Low) + "…" + seconds(row.High)
	}
	if row.title() != r.Rows[0].title() {
		efficiency = percent(row.Efficiency, 0)
	}
	if row.Name == "procs" {
		start, wait = percent(row.Start/row.Median, 1), percent(row.Wait, 1)
	}
	if row.Memory > 0 {
		memory = fmt.Sprintf("%d MiB", row.Memory>>20)
	}
	all := []string{seconds(row.Median), interval, strings.TrimSpace(speedup(row.Speedup) + "  " + bar), efficiency, start, wait, memory}
	if r.old != nil {
		all = append(all, r.old.compare(row))
	}
	return all
}

// bar draws the speed-up of a row: ten cells are as much as the most processes could reach.
func (r *report) bar(row row) string {
	const cells = 10
	most := 1
	for _, other := range r.Rows {
		most = max(most, other.Procs)
	}
	full := min(max(int(math.Round(cells*row.Speedup/float64(most))), 0), cells)
	return strings.Repeat("━", full) + strings.Repeat("─", cells-full)
}

// remarks are the lines below the table.
func (r *report) remarks(exports []string) []string {
	var all []string
	if r.Amdahl != nil {
		all = append(all, r.Amdahl.String())
	} else {
		all = append(all, "Too few points to fit Amdahl's law: it takes 1 and two more numbers of processes, none above that of processors.")
	}
	if first, _, _ := strings.Cut(r.Result, "\n"); r.Equal {
		if runes := []rune(first); len(runes) > 60 {
			first = string(runes[:59]) + "…"
		}
		all = append(all, "All results are equal: "+first)
	} else {
		all = append(all, "The results differ.")
	}
	for _, w := range r.Warnings {
		all = append(all, "Warning: "+w)
	}
	for _, file := range exports {
		all = append(all, "wrote "+file)
		if strings.HasSuffix(file, ".json") {
			all[len(all)-1] += fmt.Sprintf("; compare later with: mrrun bench %s --against %s", r.Command, file)
		}
	}
	return all
}

// compare says how much a row differs from that of the same name in an older report.
func (r *report) compare(new row) string {
	i := slices.IndexFunc(r.Rows, func(old row) bool { return old.title() == new.title() })
	if i < 0 {
		return "new"
	}
	old := r.Rows[i]
	sample := func(s []float64) *benchmath.Sample {
		return benchmath.NewSample(slices.Clone(s), &benchmath.DefaultThresholds)
	}
	c := benchmath.AssumeNothing.Compare(sample(old.Seconds), sample(new.Seconds))
	if c.P >= c.Alpha {
		return fmt.Sprintf("same (p %.2f)", c.P)
	}
	return fmt.Sprintf("%+.1f %% (p %.3f)", 100*(new.Median/old.Median-1), c.P)
}

// seconds formats a time with about three digits.
func seconds(s float64) string {
	switch {
	case s >= 100:
		return fmt.Sprintf("%.0f s", s)
	case s >= 1:
		return fmt.Sprintf("%.2f s", s)
	case s >= 0.1:
		return fmt.Sprintf("%.0f ms", 1e3*s)
	default:
		return fmt.Sprintf("%.1f ms", 1e3*s)
	}
}

// speedup formats a speed-up, of which those of counterparts may be small.
func speedup(s float64) string {
	if s < 0.1 {
		return fmt.Sprintf("%.2g", s)
	}
	return fmt.Sprintf("%.2f", s)
}

func percent(part float64, digits int) string { return fmt.Sprintf("%.*f %%", digits, 100*part) }
