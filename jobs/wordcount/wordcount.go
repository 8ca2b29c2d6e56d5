// Package wordcount is the job that counts the words of text files.
//
// [text.Words] says what a word is. Workers read their parts of the files themselves.
package wordcount

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"mrrun/internal/outfile"
	"mrrun/internal/stdio"
	"mrrun/jobs"
	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

// wordCount is the job: it turns parts of files into the count of each word.
type wordCount struct {
	mapreduce.Count
	text.Words
}

// Map implements [mapreduce.Mapper].
func (w wordCount) Map(ctx context.Context, p text.Part, emit func(string, int64)) error {
	return w.Each(ctx, p, func(word []byte) { emit(mapreduce.Borrowed(word), 1) })
}

var count = mapreduce.NewJob[wordCount]("wordcount")

func init() {
	jobs.Register(jobs.Command{
		Name:    "wordcount",
		Summary: "Count the words of text files, or of standard input (-).",
		Args:    "FILE...",
		Example: "--top 10 book.txt",
		New: func(flags *jobs.Flags) jobs.Work {
			r := &run{top: 20, by: byCount}
			flags.Count(&r.top, "top", "", 0, 1e9, "how many of the most frequent words to show; 0 = all")
			flags.Choice(&r.by, "by", "ORDER", []string{byCount, byWord}, "the order of the words: count or word")
			flags.String(&r.out, "out", "FILE", "write all counts to FILE: as CSV (.csv), JSON lines (.jsonl, .ndjson) or text; - is standard output, without the result")
			flags.Words(&r.words)
			r.Files.Flags(flags)
			return jobs.Keyed(count, r)
		},
	})
}

// A run is one run of the job.
type run struct {
	jobs.Files
	top   int64
	by    string
	out   string
	words text.Words

	file   *outfile.File
	counts []frequency // to show
}

// Split implements [jobs.Keyer].
func (r *run) Split(ctx context.Context, args []string) (parts jobs.Pieces[text.Part], err error) {
	if parts, err = r.Parts(ctx, args); err != nil {
		return parts, err
	}
	if r.out != "" {
		if r.file, err = outfile.Create(ctx, r.out); err != nil {
			return parts, fmt.Errorf("wordcount: %w", err)
		}
	}
	return parts, nil
}

// Close frees the copy of standard input, and discards an output file that is not complete.
func (r *run) Close() error {
	if err := r.file.Close(); err != nil {
		return err
	}
	return r.Files.Close()
}

// Job implements [jobs.Keyer].
func (r *run) Job() wordCount { return wordCount{Words: r.words} }

// Collect implements [jobs.Keyer].
func (r *run) Collect(counts *mapreduce.Result[string, int64]) error {
	all := counts.Ranked()
	if r.by == byWord {
		all = counts.All()
	}
	if r.file != nil {
		if err := writeFile(r.file, r.out, all, counts.Err); err != nil {
			return fmt.Errorf("wordcount: %w", err)
		}
	}
	if r.top == 0 {
		for word, n := range all {
			r.counts = append(r.counts, frequency{word, n})
		}
		return nil
	}
	first, err := counts.Top(int(r.top), func(a, b mapreduce.Entry[string, int64]) bool { return a.Value > b.Value })
	for _, e := range first {
		r.counts = append(r.counts, frequency{e.Key, e.Value})
	}
	if r.by == byWord {
		slices.SortFunc(r.counts, compareWords)
	}
	return err
}

// Streams implements [jobs.Streamer].
func (r *run) Streams() bool { return stdio.Output(r.out) == os.Stdout }

// Show implements [jobs.Output].
func (r *run) Show(w io.Writer) error { return writeCounts(w, r.counts) }

// Result implements [jobs.Output].
func (r *run) Result() any {
	words := make([]frequency, len(r.counts))
	for i, c := range r.counts {
		words[i] = frequency{Word: jobs.Text(c.Word), N: c.N}
	}
	return words
}

// Params implements [jobs.Output].
func (r *run) Params() any {
	by := r.by
	if by == byCount {
		by = ""
	}
	return struct {
		Files     []string `json:"files"`
		Top       int64    `json:"top"`
		By        string   `json:"by,omitempty"`
		MinLength int64    `json:"min_length,omitempty"`
		Letters   bool     `json:"letters,omitempty"`
		Recursive bool     `json:"recursive,omitempty"`
	}{jobs.Texts(r.Args), r.top, by, r.words.MinLength, r.words.Letters, r.Recursive}
}
