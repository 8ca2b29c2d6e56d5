// Package wordcount is the job that counts the words of text files.
//
// A word is a longest run without white space as [unicode.IsSpace] defines it, lower-cased rune by
// rune by [unicode.ToLower]; bytes that are not UTF-8 are kept as they are. Workers read their
// parts of the files themselves.
package wordcount

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"mrrun/internal/stdio"
	"mrrun/jobs"
	"mrrun/mapreduce"
)

// A piece of the text has from minSplit to maxSplit bytes; between these limits the text is cut
// into wantSplits pieces.
const (
	minSplit   = 256 << 10
	maxSplit   = 8 << 20
	wantSplits = 64
)

// wordCount is the job: it turns parts of files into the count of each word. It has no parameters.
type wordCount struct{}

// Map implements [mapreduce.Mapper].
func (wordCount) Map(ctx context.Context, s split, emit func(string, int64)) error {
	return countSplit(ctx, s, emit)
}

// Combine implements [mapreduce.Combiner].
func (wordCount) Combine(a, b int64) int64 { return a + b }

var count = mapreduce.NewJob[wordCount]("wordcount")

func init() {
	jobs.Register(jobs.Command{
		Name:    "wordcount",
		Summary: "Count the words of text files, or of standard input (-).",
		Args:    "FILE...",
		Example: "mrrun wordcount --top 10 book.txt",
		New: func(flags *jobs.Flags) jobs.Work {
			t := &text{top: 20}
			flags.Count(&t.top, "top", "", 0, 1e9, "how many of the most frequent words to show; 0 = all")
			return jobs.Keyed(count, t)
		},
	})
}

// A text is one run of the job.
type text struct {
	top   int64
	files []string

	inputs *inputs
	bytes  int64
	words  []frequency
}

// Split implements [jobs.Keyer].
func (t *text) Split(ctx context.Context, args []string) ([]split, error) {
	if len(args) == 0 {
		return nil, jobs.Usagef("wordcount needs a FILE, or - for standard input (see mrrun wordcount --help)")
	}
	if slices.ContainsFunc(args, stdio.IsInput) {
		if err := stdio.CheckInput(); err != nil {
			return nil, fmt.Errorf("wordcount: %w", err)
		}
	}
	var err error
	t.files = args
	if t.inputs, err = openInputs(ctx, args, os.Stdin); err != nil {
		return nil, err
	}
	for _, source := range t.inputs.sources {
		info, err := os.Stat(source.path)
		if err != nil {
			return nil, readError(source.name, err)
		}
		t.bytes += max(info.Size()-source.start, 0)
	}
	return splitFiles(t.inputs.sources, min(max(t.bytes/wantSplits, minSplit), maxSplit))
}

// Close frees the copy of standard input.
func (t *text) Close() error {
	if t.inputs == nil {
		return nil
	}
	return t.inputs.close()
}

// Job implements [jobs.Keyer].
func (t *text) Job() wordCount { return wordCount{} }

// Collect implements [jobs.Keyer].
func (t *text) Collect(counts map[string]int64) error {
	t.words = top(counts, int(t.top))
	return nil
}

// Show implements [jobs.Output].
func (t *text) Show(w io.Writer) error { return writeCounts(w, t.words) }

// Result implements [jobs.Output].
func (t *text) Result() any {
	words := make([]frequency, len(t.words))
	for i, c := range t.words {
		words[i] = frequency{Word: jobs.Text(c.Word), N: c.N}
	}
	return words
}

// Params implements [jobs.Output].
func (t *text) Params() any {
	files := make([]string, len(t.files))
	for i, name := range t.files {
		files[i] = jobs.Text(name)
	}
	return struct {
		Files []string `json:"files"`
		Top   int64    `json:"top"`
	}{files, t.top}
}

// Units implements [jobs.Output]: bytes.
func (t *text) Units() int64 { return t.bytes }
