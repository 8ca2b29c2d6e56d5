// Package groupby is the job that sums a column of CSV files for each value of another one.
package groupby

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"mrrun/jobs"
	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

// groupBy is the job; its rows have the key in the first column and the value in the second.
type groupBy struct{ Value string }

// Map implements [mapreduce.Mapper]. An empty value counts for nothing.
func (g groupBy) Map(ctx context.Context, rows text.Rows, emit func(string, text.Stats)) error {
	return rows.Each(ctx, func(fields [][]byte) error {
		if len(fields[1]) == 0 {
			return nil
		}
		n, err := text.ParseDecimal(fields[1])
		if err != nil {
			return fmt.Errorf("column %s: %w", g.Value, err)
		}
		emit(mapreduce.Borrowed(fields[0]), text.StatsOf(n))
		return nil
	})
}

// Combine implements [mapreduce.Combiner].
func (groupBy) Combine(a, b text.Stats) text.Stats { return a.Merge(b) }

var group = mapreduce.NewJob[groupBy]("groupby")

func init() {
	jobs.Register(jobs.Command{
		Name: "groupby", Summary: "Sum a column of CSV files for each value of another column.",
		Args: "FILE.csv...", Example: "--key town --sum price --mean sales.csv",
		New: func(flags *jobs.Flags) jobs.Work {
			r := &run{}
			flags.String(&r.key, "key", "COL", "the column to group by: its name in the first line, or its number")
			flags.String(&r.value, "sum", "COL", "the column to sum: sums are exact, and empty values count for nothing")
			for i, name := range extras {
				flags.Bool(&r.show[i], name, "show the "+name+" of the values, too")
			}
			r.Files.Flags(flags)
			return jobs.Keyed(group, r)
		},
	})
}

// extras are the figures that are shown if their flags are set.
var extras = [...]string{"count", "min", "max", "mean"}

// A run is one run of the job.
type run struct {
	jobs.Files
	key, value string
	show       [len(extras)]bool
	groups     map[string]text.Stats
}

func (r *run) Split(ctx context.Context, args []string) (jobs.Pieces[text.Rows], error) {
	if r.key == "" || r.value == "" {
		return jobs.Pieces[text.Rows]{}, jobs.Usagef("groupby needs --key COL and --sum COL")
	}
	return r.Rows(ctx, args, r.key, r.value)
}

func (r *run) Job() groupBy { return groupBy{r.value} }

func (r *run) Collect(groups *mapreduce.Result[string, text.Stats]) error {
	r.groups = maps.Collect(groups.All())
	return nil
}

// table returns the names of the columns, and a line for each key in the order of their bytes.
func (r *run) table() [][]string {
	var lines [][]string
	add := func(key, sum string, extras ...string) {
		line := []string{key, sum}
		for i, figure := range extras {
			if r.show[i] {
				line = append(line, figure)
			}
		}
		lines = append(lines, line)
	}
	add("key", "sum", extras[:]...)
	for _, key := range slices.Sorted(maps.Keys(r.groups)) {
		s := r.groups[key]
		add(key, s.Sum.String(), fmt.Sprint(s.Count), s.Min.String(), s.Max.String(), fmt.Sprint(s.Mean()))
	}
	return lines
}

// Show implements [jobs.Output]: CSV.
func (r *run) Show(w io.Writer) error { return csv.NewWriter(w).WriteAll(r.table()) }

func (r *run) Result() any {
	result := []map[string]any{}
	lines := r.table()
	for _, line := range lines[1:] {
		row := map[string]any{"key": jobs.Text(line[0])}
		for i, figure := range line[1:] {
			row[lines[0][i+1]] = json.Number(figure)
		}
		result = append(result, row)
	}
	return result
}
