package pi

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"mrrun/jobs"
	"mrrun/jobs/jobstest"
)

func TestMain(m *testing.M) { jobstest.Main(m) }

// digitsHere computes digits in this process.
func digitsHere(t *testing.T, count int) string {
	t.Helper()
	limbs := count/15 + 6
	root, err := inverseRoot(10005, limbs, timesHere)
	if err != nil {
		t.Fatal(err)
	}
	text, err := quotient(splitTerms(0, int64(float64(count)/digitsPerTerm)+2), root, limbs, count, timesHere)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// knownDigits has the SHA-256 of so many digits with their point, as MPFR computes them. That of
// 10^7, too many for a test, is ed90ea31491cee50d831fad9b0695f60b51be7597d07bc2d706fc2d9d0a5a0f2.
var knownDigits = map[int]string{
	1000:    "75f1e998a55b124343c1c0ffdd1cb536ad9da75366d7686c0501962b8d7ea2de",
	10_000:  "1f08958df70c30bbf3f7205ad5f9b2b9430e3378b4e4e6300063bd9fbd83d6e3",
	100_000: "0e3f85e22aa9f51cb8388583287071850fdf21206991f09903da5e270701ddce",
}

func TestDigits(t *testing.T) {
	command, err := jobs.Lookup("pi")
	if err != nil {
		t.Fatal(err)
	}
	for count, want := range knownDigits {
		here := digitsHere(t, count)
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(here))); got != want {
			t.Errorf("%d digits have the SHA-256 %s, want %s", count, got, want)
		}
		if got := jobstest.Run(t, command, "--digits", fmt.Sprint(count)); got != here+"\n" {
			t.Errorf("%d digits differ on workers", count)
		}
	}
}

func TestEveryCountOfDigits(t *testing.T) {
	all := digitsHere(t, 2500)
	for count := 1; count <= 2000; count++ {
		want := all[:count+1]
		if count == 1 {
			want = "3"
		}
		if got := digitsHere(t, count); got != want {
			t.Fatalf("%d digits end in %.40s, want %.40s", count, got[max(0, len(got)-40):], want[max(0, len(want)-40):])
		}
	}
}

// TestWrongSum changes one digit of a sum.
func TestWrongSum(t *testing.T) {
	const terms = 500
	s := splitTerms(0, terms)
	if !s.check(terms) {
		t.Error("a right sum does not pass")
	}
	for _, number := range [][]uint64{s.Q, s.T} {
		number[len(number)/2] ^= 1
		if s.check(terms) {
			t.Error("a wrong sum passes")
		}
		number[len(number)/2] ^= 1
	}
}

func TestWrongProduct(t *testing.T) {
	if root, err := inverseRoot(10005, 300, checked(timesHere)); err != nil || len(root) == 0 {
		t.Errorf("right products fail: %v", err)
	}
	_, err := inverseRoot(10005, 300, checked(func(a, b []uint64) ([]uint64, error) {
		product, err := timesHere(a, b)
		product[len(product)/2] ^= 1
		return product, err
	}))
	if err != errWrong {
		t.Errorf("got %v, want %v", err, errWrong)
	}
}
