package factorial

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
	"mrrun/jobs/bignum"
	"mrrun/mapreduce"
)

// longN is the n from which on n! is computed in decimal, in shared memory: the square of the
// factorial of n/2 times what is missing, and so on down to a number below longN.
const longN = 20_000

// isLong reports whether Solve computes the result.
func (f *factorials) isLong() bool {
	return !f.ranged() && f.n >= longN && runtime.GOOS == "linux" // elsewhere there is no shared memory
}

// Solve implements [jobs.Solver].
func (f *factorials) Solve(ctx context.Context, start func(int, func() int) (*mapreduce.Pool, error)) error {
	f.ctx = ctx
	if err := f.create(ctx); err != nil {
		return err
	}
	f.began = time.Now()
	const pieces = 1000 // of the progress that is shown
	var done atomic.Int64
	total := longCost(f.n)
	pool, err := start(pieces, func() int { return int(min(done.Load()*pieces/total, pieces)) })
	if err != nil {
		return err
	}
	calc, err := bignum.New(ctx, pool, limbsOf(f.n)+2, &done)
	if err != nil {
		return fmt.Errorf("factorial: %w", err)
	}
	defer calc.Close()
	value, err := factorial(ctx, pool, calc, f.n)
	if err == nil {
		err = f.writeLong(value.Limbs())
	}
	if err == nil && f.compare {
		err = f.compareLong()
	}
	if err != nil {
		return err
	}
	return f.commit()
}

// limbsOf returns how many limbs n! has, or a few more.
func limbsOf(n int64) int { return int(log2Factorial(n)/(ntt.Digits*log2Ten)) + 2 }

const log2Ten = 3.321928094887362

// longCost returns the cost of the products of factorial.
func longCost(n int64) (sum int64) {
	for ; n >= longN; n /= 2 {
		half, whole := limbsOf(n/2), limbsOf(n)
		sum += bignum.Cost(half, half) + bignum.Cost(2*half, whole-2*half)
	}
	return sum
}

// factorial returns n!, which is at least longN!, after a check.
func factorial(ctx context.Context, pool *mapreduce.Pool, calc *bignum.Calculator, n int64) (*bignum.Number, error) {
	var value *bignum.Number
	var residue uint64
	check := decimal.NewCheck()
	all, working := errgroup.WithContext(ctx)
	var swings []chan *bignum.Number
	for m := n; m >= longN; m /= 2 {
		made := make(chan *bignum.Number, 1)
		swings = append(swings, made)
		all.Go(func() error {
			s, err := swing(working, pool, calc, m)
			made <- s
			return err
		})
	}
	all.Go(func() (err error) {
		value, err = square(working, calc, n>>len(swings), swings)
		return err
	})
	all.Go(func() (err error) {
		residue, err = factorialResidue(working, pool, n, check)
		return err
	})
	if err := all.Wait(); err != nil {
		return nil, err
	}
	return value, verify(ctx, calc, value, check, residue)
}

// square returns the factorial of the n that the last swing is of; n is what the first factorial is
// of.
func square(ctx context.Context, calc *bignum.Calculator, n int64, swings []chan *bignum.Number) (*bignum.Number, error) {
	x, err := calc.Import(decimal.FromBig(product(span{2, n + 1})))
	if err != nil {
		return nil, err
	}
	for i := len(swings) - 1; i >= 0; i-- {
		squared, err := calc.Times(ctx, x, x)
		if err != nil {
			return nil, err
		}
		calc.Free(x)
		s := <-swings[i]
		if s == nil {
			return nil, context.Cause(ctx) // its own error is reported
		}
		if x, err = calc.Times(ctx, squared, s); err != nil {
			return nil, err
		}
		calc.Free(squared)
		calc.Free(s)
	}
	return x, nil
}

var errWrong = errors.New("factorial: the result is wrong modulo a random prime, by a fault of the memory or the processor: run it again")

// verify compares x with what it should be modulo the prime of check.
func verify(ctx context.Context, calc *bignum.Calculator, x *bignum.Number, check decimal.Check, want uint64) error {
	got, err := calc.Residue(ctx, x, check)
	if err == nil && got != want {
		err = errWrong
	}
	return err
}

// writeLong writes the text of the value and makes its digest.
func (f *factorials) writeLong(limbs []uint64) error {
	const block = 4096
	all := newDigester()
	text := decimal.Append(nil, limbs[len(limbs)-1:])
	for end := len(limbs) - 1; ; {
		all.Write(text)
		if _, err := f.file.Write(text); err != nil {
			return fmt.Errorf("factorial: %w", err)
		}
		if end == 0 {
			break
		}
		if err := context.Cause(f.ctx); err != nil {
			return err
		}
		from := max(0, end-block)
		text = decimal.AppendLimbs(text[:0], limbs[from:end])
		end = from
	}
	f.one = all.sum()
	if err := f.file.WriteLine(nil); err != nil {
		return fmt.Errorf("factorial: %w", err)
	}
	return nil
}

// compareLong computes the text again in this goroutine.
func (f *factorials) compareLong() error {
	parallel := time.Since(f.began)
	began := time.Now()
	text, err := await(f.ctx, func() []byte { return product(span{2, f.n + 1}).Append(nil, 10) })
	if err != nil {
		return err
	}
	serial := time.Since(began)
	if digestOf(text) != f.one {
		return fmt.Errorf("factorial: %d! differs from that of the serial run", f.n)
	}
	f.noteTimes(serial, parallel, 1)
	return nil
}
