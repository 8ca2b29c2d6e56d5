// Command topwords shows the most frequent words of files: a keyed job whose results stay with the
// workers. text.Open and Parts cut the files, text.Words finds the words, and mapreduce.Count adds
// up on the fast path: it counts as fast as mrrun wordcount, which is this job with more flags.
//
// In Python it is a collections.Counter for each chunk, and their sum in the parent.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

type wordCount struct{ mapreduce.Count }

// Map emits a pair for each word. Emit reads the key only during the call, so it may be borrowed.
func (wordCount) Map(ctx context.Context, part text.Part, emit func(string, int64)) error {
	return text.Words{}.Each(ctx, part, func(word []byte) { emit(mapreduce.Borrowed(word), 1) })
}

var count = mapreduce.NewJob[wordCount]("topwords")

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		rhyme := filepath.Join(os.TempDir(), fmt.Sprintf("topwords-%d.txt", os.Getpid()))
		if err := os.WriteFile(rhyme, []byte("A rose is a rose\nis a rose is\nA ROSE"), 0o600); err != nil {
			return err
		}
		defer os.Remove(rhyme)
		return top(ctx, rhyme)
	})
}

func top(ctx context.Context, names ...string) error {
	files, err := text.Open(ctx, names, false)
	if err != nil {
		return err
	}
	defer files.Close()
	parts, err := files.Parts(0)
	if err != nil {
		return err
	}
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2))
	if err != nil {
		return err
	}
	defer pool.Close()
	result, err := count.Results(ctx, pool, wordCount{}, parts)
	if err != nil {
		return err
	}
	defer result.Close()
	most, err := result.Top(2, func(a, b mapreduce.Entry[string, int64]) bool { return a.Value > b.Value })
	for _, e := range most {
		fmt.Println(e.Value, e.Key)
	}
	return err
}

// Output:
// 4 a
// 4 rose
