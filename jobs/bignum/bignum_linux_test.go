package bignum

import (
	"context"
	"math/big"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
	"mrrun/mapreduce"
)

func TestMain(m *testing.M) {
	mapreduce.Init()
	os.Exit(m.Run())
}

// newCalculator makes a pool and a calculator for products of so many limbs.
func newCalculator(t *testing.T, limbs int, opts ...mapreduce.PoolOption) (*Calculator, *mapreduce.Pool) {
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
	c, err := New(t.Context(), pool, limbs, new(atomic.Int64))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, pool
}

func random(r *rand.Rand, n int) []uint64 {
	x := make([]uint64, n)
	for i := range x {
		x[i] = r.Uint64N(ntt.Base)
	}
	return decimal.Trim(x)
}

func (c *Calculator) mustImport(t *testing.T, limbs []uint64) *Number {
	t.Helper()
	x, err := c.Import(limbs)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func toBig(t *testing.T, limbs []uint64) *big.Int {
	t.Helper()
	x, ok := new(big.Int).SetString(string(decimal.Append(nil, limbs)), 10)
	if !ok {
		t.Fatal("the text is no number")
	}
	return x
}

// checkTimes multiplies numbers of a and b limbs, or squares the first if b is 0.
func checkTimes(t *testing.T, c *Calculator, r *rand.Rand, a, b int) {
	t.Helper()
	x := c.mustImport(t, random(r, a))
	y := x
	if b > 0 {
		y = c.mustImport(t, random(r, b))
	}
	product, err := c.Times(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	check := decimal.NewCheck()
	if want := check.Times(check.Residue(x.Limbs()), check.Residue(y.Limbs())); check.Residue(product.Limbs()) != want {
		t.Fatalf("the product of %d×%d limbs is wrong", a, b)
	}
	c.Free(x)
	if y != x {
		c.Free(y)
	}
	c.Free(product)
}

func TestTimes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, procs := range []int{1, 3} {
		c, _ := newCalculator(t, 20_000, mapreduce.Procs(procs))
		for _, lens := range [][2]int{{1, 1}, {100, 3}, {2000, 2000}, {2049, 2049}, {5000, 0}, {1000, 9000}, {10_000, 10_000}} {
			checkTimes(t, c, r, lens[0], lens[1])
		}
		zero := c.mustImport(t, nil)
		if x, err := c.Times(t.Context(), zero, c.mustImport(t, []uint64{7})); err != nil || len(x.Limbs()) != 0 {
			t.Errorf("0·7 = %v, %v", x.Limbs(), err)
		}
	}
}

// TestTimesInParts lowers the length from which on a coefficient might not fit.
func TestTimesInParts(t *testing.T) {
	c, _ := newCalculator(t, 20_000, mapreduce.Procs(2))
	c.maxShort = 1300
	r := rand.New(rand.NewPCG(1, 2))
	checkTimes(t, c, r, 4000, 0)
	checkTimes(t, c, r, 6000, 2600)
	limbs := make([]uint64, 3000)
	limbs[2999] = 1 // the lower parts are 0
	x := c.mustImport(t, limbs)
	square, err := c.Times(t.Context(), x, x)
	if err != nil || len(square.Limbs()) != 5999 || square.Limbs()[5998] != 1 {
		t.Errorf("the square of a power has %d limbs, %v", len(square.Limbs()), err)
	}
}

func TestProduct(t *testing.T) {
	c, _ := newCalculator(t, 20_000, mapreduce.Procs(2))
	r := rand.New(rand.NewPCG(1, 2))
	var factors []*Number
	want := big.NewInt(1)
	for range 7 {
		x := random(r, 1500)
		want.Mul(want, toBig(t, x))
		factors = append(factors, c.mustImport(t, x))
	}
	product, err := c.Product(t.Context(), factors)
	if err != nil || toBig(t, product.Limbs()).Cmp(want) != 0 {
		t.Errorf("the product is wrong, %v", err)
	}
}

func TestResidue(t *testing.T) {
	c, _ := newCalculator(t, 20_000, mapreduce.Procs(2))
	check := decimal.NewCheck()
	for _, n := range []int{0, 1, 5000, 20_001} {
		x := random(rand.New(rand.NewPCG(1, 2)), n)
		got, err := c.Residue(t.Context(), c.mustImport(t, x), check)
		if want := check.Residue(x); err != nil || got != want {
			t.Errorf("the residue of %d limbs is %d, %v, want %d", n, got, err, want)
		}
	}
}

// TestWorkersDie kills workers while they compute products.
func TestWorkersDie(t *testing.T) {
	c, pool := newCalculator(t, 60_000, mapreduce.Procs(2), mapreduce.Retries(100), mapreduce.RestartIntensity(1000, time.Minute))
	r := rand.New(rand.NewPCG(1, 2))
	x, y := c.mustImport(t, random(r, 30_000)), c.mustImport(t, random(r, 30_000))
	check := decimal.NewCheck()
	want := check.Times(check.Residue(x.Limbs()), check.Residue(y.Limbs()))
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for pool.Stats().Retried < 5 && t.Context().Err() == nil {
			// The one that has been here for longest: it has worked.
			_ = syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL) // an error means that it has just ended
			for before := c.done.Load(); c.done.Load() < before+Cost(30_000, 30_000)/2 && t.Context().Err() == nil; {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	for {
		product, err := c.Times(t.Context(), x, y)
		if err != nil {
			t.Fatal(err)
		}
		if check.Residue(product.Limbs()) != want {
			t.Error("the product is wrong")
		}
		c.Free(product)
		select {
		case <-killed:
			return
		default:
		}
	}
}

func TestCancel(t *testing.T) {
	c, _ := newCalculator(t, 20_000, mapreduce.Procs(2))
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := context.Canceled
	cancel(stop)
	x := c.mustImport(t, random(rand.New(rand.NewPCG(1, 2)), 10_000))
	if _, err := c.Times(ctx, x, x); err != stop {
		t.Errorf("got %v, want %v", err, stop)
	}
}

func BenchmarkTimes(b *testing.B) {
	pool, err := mapreduce.NewPool(b.Context(), mapreduce.Procs(2))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Terminate()
	const n = 185_000
	c, err := New(b.Context(), pool, 2*n, new(atomic.Int64))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	x, err := c.Import(random(rand.New(rand.NewPCG(1, 2)), n))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		y, err := c.Times(b.Context(), x, x)
		if err != nil {
			b.Fatal(err)
		}
		c.Free(y)
	}
}
