package text

import (
	"context"
	"fmt"

	"mrrun/jobs"
)

// An Input is what the jobs over text files have in common. A [jobs.Keyer] that embeds it has the
// methods Close, Notes and Units.
type Input struct {
	Recursive bool     // a folder stands for all files below it
	Args      []string // the names that the user gave
	*Files

	bytes int64
}

// RecursiveFlag adds the flag --recursive.
func (in *Input) RecursiveFlag(flags *jobs.Flags) {
	flags.Bool(&in.Recursive, "recursive", "a folder stands for all files below it")
}

// OpenParts opens the files that args, the words after the flags of a job, name, and cuts them as
// [Files.Parts] does. Its errors begin with the name of the job.
func (in *Input) OpenParts(ctx context.Context, job string, args []string) ([]Part, error) {
	return opened(ctx, in, job, args, func() ([]Part, error) { return in.Parts(0) })
}

// OpenRows is OpenParts for CSV files; see [Files.Rows].
func (in *Input) OpenRows(ctx context.Context, job string, args []string, columns ...string) ([]Rows, error) {
	return opened(ctx, in, job, args, func() ([]Rows, error) { return in.Rows(ctx, 0, columns...) })
}

func opened[P any](ctx context.Context, in *Input, job string, args []string, cut func() ([]P, error)) (parts []P, err error) {
	if len(args) == 0 {
		return nil, jobs.Usagef("%s needs a FILE, or - for standard input (see mrrun %[1]s --help)", job)
	}
	in.Args = args
	if in.Files, err = Open(ctx, args, in.Recursive); err == nil {
		in.bytes = in.Size()
		parts, err = cut()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", job, err)
	}
	return parts, nil
}

// Units implements [jobs.Output]: bytes.
func (in *Input) Units() int64 { return in.bytes }
