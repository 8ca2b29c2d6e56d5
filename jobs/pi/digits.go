package pi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
	"mrrun/jobs/bignum"
	"mrrun/mapreduce"
	"mrrun/transport"
)

// maxDigits bounds the digits: 1e8 of them take 4 GB.
const maxDigits = 1e8

// digits is one run of the job that computes a number of digits.
type digits struct {
	count int64
	text  []byte
}

// A termsPiece is the terms from A to B-1.
type termsPiece struct{ A, B int64 }

// sumViews is a partialSum on its way.
type sumViews struct{ P, Q, T transport.View[uint64] }

var sumPieceOfTerms = mapreduce.Func(func(p termsPiece) sumViews {
	s := splitTerms(p.A, p.B)
	return sumViews{transport.NewView(s.P), transport.NewView(s.Q), transport.NewView(s.T)}
})

// Solve implements [jobs.Solver].
func (d *digits) Solve(ctx context.Context, start func(int, func() int) (*mapreduce.Pool, error)) error {
	if runtime.GOOS != "linux" {
		return errors.New("pi: --digits needs Linux, for the memory that processes share: leave it out")
	}
	const pieces = 1000 // of the progress that is shown
	var done atomic.Int64
	limbs := int(d.count/ntt.Digits) + 6 // after the point
	// Of each level of the sum about 16 lengths, and of the division and the root 12.
	total := int64(limbs) * 110
	pool, err := start(pieces, func() int { return int(min(done.Load()*pieces/total, pieces)) })
	if err != nil {
		return err
	}
	calc, err := bignum.New(ctx, pool, 2*limbs+limbs/2, &done)
	if err != nil {
		return fmt.Errorf("pi: %w", err)
	}
	defer calc.Close()
	times := func(a, b []uint64) ([]uint64, error) { return calc.Multiply(ctx, a, b) }
	terms := int64(float64(d.count)/digitsPerTerm) + 2
	sum, root, err := sumAndRoot(ctx, pool, terms, limbs, times)
	if err != nil {
		return err
	}
	if !sum.check(terms) {
		return errWrong
	}
	d.text, err = quotient(sum, root, limbs, int(d.count), checked(times))
	return err
}

var errWrong = errors.New("pi: a number is wrong modulo a random prime, by a fault of the memory or the processor: run it again")

// checked returns times with a check of each product modulo a random prime. The sum, which takes most
// of the time, is checked as a whole.
func checked(times multiplication) multiplication {
	check := decimal.NewCheck()
	return func(a, b []uint64) ([]uint64, error) {
		product, err := times(a, b)
		if err == nil && check.Residue(product) != check.Times(check.Residue(a), check.Residue(b)) {
			err = errWrong
		}
		return product, err
	}
}

// sumAndRoot computes the sum of so many terms, without its P, and 1/sqrt(10005).
func sumAndRoot(ctx context.Context, pool *mapreduce.Pool, terms int64, limbs int, times multiplication) (sum partialSum, root []uint64, err error) {
	var all errgroup.Group
	all.Go(func() (err error) {
		sum, err = sumOnPool(ctx, pool, terms, times)
		return err
	})
	all.Go(func() (err error) {
		root, err = inverseRoot(10005, limbs, checked(times))
		return err
	})
	return sum, root, all.Wait()
}

// sumOnPool computes pieces of the sum on the workers, and merges neighbours level by level.
func sumOnPool(ctx context.Context, pool *mapreduce.Pool, terms int64, times multiplication) (partialSum, error) {
	const termsOfPiece, most = 200, 64
	step := max(termsOfPiece, (terms+most-1)/most)
	var pieces []termsPiece
	for a := int64(0); a < terms; a += step {
		pieces = append(pieces, termsPiece{a, min(a+step, terms)})
	}
	var sums []partialSum
	for s, err := range sumPieceOfTerms.Imap(ctx, pool, slices.Values(pieces), mapreduce.Chunksize(1)) {
		if err != nil {
			return partialSum{}, err
		}
		sums = append(sums, partialSum{slices.Clone(s.P.Slice()), slices.Clone(s.Q.Slice()), slices.Clone(s.T.Slice())})
		s.P.Release()
		s.Q.Release()
		s.T.Release()
	}
	for ; len(sums) > 1; step *= 2 {
		next := make([]partialSum, (len(sums)+1)/2)
		var level errgroup.Group
		for i := range next {
			a, rest := sums[2*i], sums[2*i+1:]
			if len(rest) == 0 {
				next[i] = a
				continue
			}
			level.Go(func() (err error) {
				next[i], err = merge(a, rest[0], step%2 != 0, len(rest) > 1, times) // the last one needs no P
				return err
			})
		}
		if err := level.Wait(); err != nil {
			return partialSum{}, err
		}
		sums = next
	}
	return sums[0], nil
}

// quotient returns the text of 426880·10005·root·Q/T, cut after so many digits. root has n limbs
// after the point.
func quotient(s partialSum, root []uint64, n, count int, times multiplication) ([]byte, error) {
	inverse, err := reciprocal(s.T, len(s.T), n, times)
	if err != nil {
		return nil, err
	}
	q := s.Q[max(0, len(s.Q)-n-2):]
	ratio, err := times(q, inverse)
	if err != nil {
		return nil, err
	}
	after := len(q) + n // limbs of ratio after the point, where Q and T are below 1
	if cut := after - (n + 2); cut > 0 {
		ratio, after = ratio[cut:], n+2
	}
	value, err := times(ratio, root)
	if err != nil {
		return nil, err
	}
	value = decimal.TimesWord(value, 426880*10005)
	after += n - (len(s.Q) - len(s.T))
	text := decimal.Append(nil, value[after:])
	text = decimal.AppendLimbs(append(text, '.'), value[max(0, after-n):after])
	if count == 1 {
		return text[:1], nil
	}
	return text[:count+1], nil
}

// Show writes the digits.
func (d *digits) Show(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s\n", d.text)
	return err
}

// Result implements [jobs.Solver].
func (d *digits) Result() any { return string(d.text) }

// Params implements [jobs.Output].
func (d *digits) Params() any {
	return struct {
		Digits int64 `json:"digits"`
	}{d.count}
}

// Units implements [jobs.Output]: digits.
func (d *digits) Units() int64 { return d.count }
