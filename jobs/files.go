package jobs

import (
	"context"
	"fmt"
	"slices"

	"mrrun/jobs/text"
)

// Files are the text files that the words after the flags of a job name; "-" is standard input, and
// compressed files are unpacked. See [text.Open] for what else they may be. A job that embeds Files
// has the methods Close, Notes and Units.
type Files struct {
	Recursive bool     // a folder stands for all files below it
	Args      []string // the names that the user gave

	job   string
	files *text.Files
	bytes int64
}

// Files adds the flag --recursive and returns the files that the job will be given.
func (f *Flags) Files() *Files {
	files := &Files{}
	files.Flags(f)
	return files
}

// Flags adds the flag --recursive.
func (f *Files) Flags(flags *Flags) {
	f.job = flags.set.Name()
	flags.Bool(&f.Recursive, "recursive", "a folder stands for all files below it")
}

// Words adds a flag for each field of w.
func (f *Flags) Words(w *text.Words) {
	f.Count(&w.MinLength, "min-length", "", 0, 1e6, "leave out words of fewer than N characters")
	f.Bool(&w.Letters, "letters", "strip punctuation: a word is letters and digits, with single ' and - inside")
}

// Parts opens the files that args, the words after the flags, name, and cuts them at white space.
func (f *Files) Parts(ctx context.Context, args []string) (Pieces[text.Part], error) {
	return openFiles(ctx, f, args, func() ([]text.Part, error) { return f.files.Parts(0) })
}

// Lines opens the files that args, the words after the flags, name, and cuts them at ends of lines.
func (f *Files) Lines(ctx context.Context, args []string) (Pieces[text.Lines], error) {
	return openFiles(ctx, f, args, func() ([]text.Lines, error) { return f.files.Lines(0) })
}

// Rows opens the files that args, the words after the flags, name, which are CSV, and cuts them into
// parts of whole records, for the columns with these names.
func (f *Files) Rows(ctx context.Context, args []string, columns ...string) (Pieces[text.Rows], error) {
	return openFiles(ctx, f, args, func() ([]text.Rows, error) { return f.files.Rows(ctx, 0, columns...) })
}

func openFiles[P any](ctx context.Context, f *Files, args []string, cut func() ([]P, error)) (pieces Pieces[P], err error) {
	if len(args) == 0 {
		return pieces, Usagef("%s needs a FILE, or - for standard input", f.job)
	}
	f.Args = args
	var parts []P
	if f.files, err = text.Open(ctx, args, f.Recursive); err == nil {
		f.bytes = f.files.Size()
		parts, err = cut()
	}
	if err != nil {
		return pieces, fmt.Errorf("%s: %w", f.job, err)
	}
	return PiecesOf(parts), nil
}

// Names returns the name of each file, once, in their order.
func (f *Files) Names() []string { return f.files.Names() }

// Units is the number of bytes of the files.
func (f *Files) Units() int64 { return f.bytes }

// Notes returns remarks about files that look binary, or grew while they were read.
func (f *Files) Notes() []string { return f.files.Notes() }

// Close removes the copies of what could not be read in place.
func (f *Files) Close() error { return f.files.Close() }

// Lines splits files into pieces of whole lines.
func Lines(files *Files) Splitter[text.Lines] { return lineSplitter{files} }

type lineSplitter struct{ *Files }

func (s lineSplitter) Split(ctx context.Context, args []string) (Pieces[text.Lines], error) {
	return s.Lines(ctx, args)
}

// PiecesOf returns the elements of all as pieces.
func PiecesOf[In any](all []In) Pieces[In] {
	return Pieces[In]{All: slices.Values(all), Count: len(all)}
}

// A Span is the whole numbers from From to To-1.
type Span struct{ From, To int64 }

// Range splits the whole numbers from 0 to *below - 1, in the state after the flags were parsed,
// into spans of size numbers.
func Range(below *int64, size int64) Splitter[Span] { return ranging{below, max(size, 1)} }

type ranging struct {
	below *int64
	size  int64
}

func (r ranging) Split(context.Context, []string) (Pieces[Span], error) {
	below := max(*r.below, 0)
	all := func(yield func(Span) bool) {
		for from := int64(0); from < below; {
			to := from + min(r.size, below-from)
			if !yield(Span{from, to}) {
				return
			}
			from = to
		}
	}
	count := below / r.size
	if below%r.size > 0 {
		count++
	}
	return Pieces[Span]{All: all, Count: int(count)}, nil
}
