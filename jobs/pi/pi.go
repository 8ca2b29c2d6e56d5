// Package pi is the job that computes pi by the alternating series 4 - 4/3 + 4/5 - 4/7 + …, or, as
// so many digits, by the series of the Chudnovsky brothers.
//
// The sum of the alternating series is exact except for one rounding in each block of 65,536 terms.
// So it has the same bits however the blocks are spread over workers, and is within one unit in the
// last place of the exact partial sum.
package pi

import (
	"context"
	"iter"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

// pieceBlocks is how many blocks make a piece: about a millisecond of work.
const pieceBlocks = 64

// A piece is the blocks First … End-1 of a series of Terms terms.
type piece struct{ First, End, Terms int64 }

var sumPiece = mapreduce.Func(func(p piece) fixed { return sumBlocks(p.First, p.End, p.Terms) })

func init() {
	jobs.Register(jobs.Command{
		Name:    "pi",
		Summary: "Compute pi by the alternating series 4 - 4/3 + 4/5 - ...",
		Example: "-n 1e8 -procs 4",
		New: func(flags *jobs.Flags) jobs.Work {
			s := &series{terms: 1e7}
			flags.Count(&s.terms, "terms", "n", 1, maxTerms, "terms of the series: 1e8, 100_000_000, 100M")
			d := &digits{}
			flags.Count(&d.count, "digits", "", 0, maxDigits, "print N digits, in 40 bytes each and 50 MB a process")
			return jobs.Choose(func() jobs.Work {
				if d.count > 0 {
					return jobs.Solve(d)
				}
				return jobs.Fold(sumPiece, s)
			})
		},
	})
}

// A series is one run of the job.
type series struct {
	terms int64
	sum   fixed
}

// Split implements [jobs.Folder].
func (s *series) Split(context.Context, []string) (jobs.Pieces[piece], error) {
	blocks := blockCount(s.terms)
	var all iter.Seq[piece] = func(yield func(piece) bool) {
		for first := int64(0); first < blocks; first += pieceBlocks {
			if !yield(piece{first, min(first+pieceBlocks, blocks), s.terms}) {
				return
			}
		}
	}
	return jobs.Pieces[piece]{All: all, Count: int((blocks + pieceBlocks - 1) / pieceBlocks)}, nil
}

// Add implements [jobs.Folder].
func (s *series) Add(part fixed) error {
	s.sum = s.sum.Add(part)
	return nil
}

// Result implements [jobs.Folder].
func (s *series) Result() any { return s.sum.Pi() }

// Units implements [jobs.Output]: terms.
func (s *series) Units() int64 { return s.terms }

// Params implements [jobs.Output].
func (s *series) Params() any {
	return struct {
		Terms int64 `json:"terms"`
	}{s.terms}
}
