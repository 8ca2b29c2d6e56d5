package factorial

import (
	"context"
	"math/big"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mrrun/internal/decimal"
	"mrrun/jobs/bignum"
	"mrrun/mapreduce"
)

func TestMain(m *testing.M) {
	mapreduce.Init()
	os.Exit(m.Run())
}

func newPool(t *testing.T, opts ...mapreduce.PoolOption) *mapreduce.Pool {
	t.Helper()
	pool, err := mapreduce.NewPool(context.Background(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func newCalculator(t *testing.T, pool *mapreduce.Pool, n int64, done *atomic.Int64) *bignum.Calculator {
	t.Helper()
	calc, err := bignum.New(t.Context(), pool, limbsOf(n)+2, done)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calc.Close)
	return calc
}

func toText(x *bignum.Number) string { return string(decimal.Append(nil, x.Limbs())) }

func TestLongFactorial(t *testing.T) {
	for _, procs := range []int{1, 2, 5} {
		pool := newPool(t, mapreduce.Procs(procs))
		calc := newCalculator(t, pool, 60_000, new(atomic.Int64))
		for _, n := range []int64{20_000, 20_001, 39_999, 54_321} {
			x, err := factorial(t.Context(), pool, calc, n)
			if err != nil {
				t.Fatal(err)
			}
			if want := reference(span{1, n + 1}).String(); toText(x) != want {
				t.Errorf("%d! by %d workers is wrong", n, procs)
			}
			calc.Free(x)
		}
	}
}

// TestWrongLimb changes one digit of a factorial.
func TestWrongLimb(t *testing.T) {
	const n = 30_000
	pool := newPool(t, mapreduce.Procs(2))
	calc := newCalculator(t, pool, n, new(atomic.Int64))
	check := decimal.NewCheck()
	residue, err := factorialResidue(t.Context(), pool, n, check)
	if err != nil {
		t.Fatal(err)
	}
	x, err := factorial(t.Context(), pool, calc, n)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t.Context(), calc, x, check, residue); err != nil {
		t.Error(err)
	}
	x.Limbs()[7000] ^= 1
	if err := verify(t.Context(), calc, x, check, residue); err != errWrong {
		t.Errorf("got %v, want %v", err, errWrong)
	}
}

// TestFactorialOfLostWorkers kills workers in the middle.
func TestFactorialOfLostWorkers(t *testing.T) {
	const n = 200_000
	pool := newPool(t, mapreduce.Procs(2))
	var done atomic.Int64
	calc := newCalculator(t, pool, n, &done)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for _, part := range []int64{10, 2} {
			for done.Load() < longCost(n)/part && t.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			_ = syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL) // an error means that it has just ended
		}
	}()
	x, err := factorial(t.Context(), pool, calc, n)
	if err != nil {
		t.Fatal(err)
	}
	<-killed
	if pool.Stats().Lost == 0 {
		t.Error("no worker was lost")
	}
	// Computed by math/big.
	const want = "d6a2649b08aec4e576930d092139c6439be11fcc326259b38963f9d340529e03"
	if got := digestOf([]byte(toText(x))).SHA256; got != want {
		t.Errorf("the SHA-256 is %s, want %s", got, want)
	}
}

func TestFactorialResidue(t *testing.T) {
	pool := newPool(t, mapreduce.Procs(1))
	check := decimal.NewCheck()
	for _, n := range []int64{1, 7, 8, 9, 16, 1000, 1003} {
		got, err := factorialResidue(t.Context(), pool, n, check)
		want := reference(span{1, n + 1})
		if want.Mod(want, new(big.Int).SetUint64(check.Prime)); err != nil || got != want.Uint64() {
			t.Errorf("%d! is %d modulo %d, want %d, %v", n, got, check.Prime, want, err)
		}
	}
}
