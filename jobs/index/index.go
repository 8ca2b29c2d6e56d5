// Package index is the job that finds, for each word, the files that have it.
package index

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"mrrun/jobs"
	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

// index is the job. The value of a word is the list of the files that have it, by their places
// among all names, in order.
type index struct {
	text.Words
	Names []string
}

// Map implements [mapreduce.Mapper].
func (x index) Map(ctx context.Context, p text.Part, emit func(string, []int)) error {
	file := []int{slices.Index(x.Names, p.Name)}
	seen := map[string]bool{}
	return x.Each(ctx, p, func(word []byte) {
		if !seen[string(word)] {
			w := string(word)
			seen[w] = true
			emit(w, file)
		}
	})
}

// Combine implements [mapreduce.Combiner]: it merges two lists.
func (index) Combine(a, b []int) []int {
	merged := make([]int, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		order := cmp.Compare(a[0], b[0])
		merged = append(merged, min(a[0], b[0]))
		if order <= 0 {
			a = a[1:]
		}
		if order >= 0 {
			b = b[1:]
		}
	}
	return append(append(merged, a...), b...)
}

var words = mapreduce.NewJob[index]("index")

func init() {
	jobs.Register(jobs.Command{
		Name: "index", Summary: "List, for each word of text files, the files that have it.",
		Args: "FILE...", Example: "--letters --recursive books",
		New: func(flags *jobs.Flags) jobs.Work {
			r := &run{}
			flags.Words(&r.words)
			r.Files.Flags(flags)
			return jobs.Keyed(words, r)
		},
	})
}

// A run is one run of the job.
type run struct {
	jobs.Files
	words text.Words
	names []string // of the files, each once
	found map[string][]int
}

func (r *run) Split(ctx context.Context, args []string) (jobs.Pieces[text.Part], error) {
	parts, err := r.Parts(ctx, args)
	r.names = r.Names()
	return parts, err
}

func (r *run) Job() index { return index{r.words, r.names} }

func (r *run) Collect(found *mapreduce.Result[string, []int]) error {
	r.found = maps.Collect(found.All())
	return nil
}

// filesOf returns the names of the files that have the word.
func (r *run) filesOf(word string) (names []string) {
	for _, i := range r.found[word] {
		names = append(names, r.names[i])
	}
	return names
}

// Show implements [jobs.Output]: a line for each word, in the order of their bytes, with tabs
// before the files.
func (r *run) Show(w io.Writer) error {
	for _, word := range slices.Sorted(maps.Keys(r.found)) {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", word, strings.Join(r.filesOf(word), "\t")); err != nil {
			return err
		}
	}
	return nil
}

// Result implements [jobs.Output].
func (r *run) Result() any {
	result := make(map[string][]string, len(r.found))
	for word := range r.found {
		result[jobs.Text(word)] = jobs.Texts(r.filesOf(word))
	}
	return result
}
