package jobs

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// What can be wrong with a count, worded to follow "x is" and "-n x:" alike.
var (
	errEmpty     = errors.New("empty")
	errNotNumber = errors.New("not a number")
	errNotWhole  = errors.New("not a whole number")
	errNegative  = errors.New("negative")
	errTooSmall  = errors.New("too small")
	errTooLarge  = errors.New("too large")
)

const countExamples = "such as 1000, 1e8, 100_000_000 or 100M"

// maxExponent bounds the exponents that are told apart. It leaves room to add the length of any
// number that a user could type.
const maxExponent = 1 << 30

// countPattern is compiled when it is first used, since most workers never use it.
var countPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]+(?:_[0-9]+)*)(?:\.([0-9]+(?:_[0-9]+)*))?(?:[eE]([+-]?[0-9]+)|([kKMGT]i?))?$`)
})

// ParseCount reads a whole number that is not negative, the way people write large ones: 100000000,
// 100_000_000, 1e8, 100M. The suffixes k (or K), M, G and T stand for powers of 1000, and Ki, Mi,
// Gi and Ti for powers of 1024. A fraction is allowed if the value is whole: 2.5M is 2500000.
func ParseCount(s string) (int64, error) {
	n, err := parseCount(s)
	switch {
	case errors.Is(err, errTooLarge):
		return 0, fmt.Errorf("%q is %w; the largest number is %d", s, err, int64(math.MaxInt64))
	case err != nil:
		return 0, fmt.Errorf("%q is %w; a count takes a whole number %s", s, err, countExamples)
	}
	return n, nil
}

// parseCount is ParseCount with the bare reason as its error.
func parseCount(s string) (int64, error) {
	if s == "" {
		return 0, errEmpty
	}
	m := countPattern().FindStringSubmatch(s)
	if m == nil {
		if s[0] == '-' && countPattern().MatchString(s[1:]) {
			return 0, errNegative
		}
		return 0, errNotNumber
	}
	whole, fraction := strings.ReplaceAll(m[1], "_", ""), strings.ReplaceAll(m[2], "_", "")
	tens, twos := scale(m[3], m[4])
	return wholeValue(whole+fraction, tens-len(fraction), twos)
}

// scale turns an exponent or a suffix (one of them is empty) into powers of
// ten and of two.
func scale(exponent, suffix string) (tens, twos int) {
	if exponent != "" {
		// Out of range, Atoi returns the nearest int, which will do: any
		// exponent this far out means the same.
		e, _ := strconv.Atoi(exponent)
		return min(max(e, -maxExponent), maxExponent), 0
	}
	if suffix == "" {
		return 0, 0
	}
	power := strings.Index("KMGT", strings.ToUpper(suffix[:1])) + 1
	if len(suffix) == 2 {
		return 0, 10 * power
	}
	return 3 * power, 0
}

// wholeValue returns digits * 10^tens * 2^twos. It checks the lengths first, so that 1e999999999
// costs nothing.
func wholeValue(digits string, tens, twos int) (int64, error) {
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, nil
	}
	significant := strings.TrimRight(digits, "0")
	tens += len(digits) - len(significant)
	if tens < -twos {
		// Dividing by 10^-tens takes as many fives and twos. As the digits do not end in 0, they
		// have no twos if they have the fives.
		return 0, errNotWhole
	}
	if len(significant)+tens > 19 {
		return 0, errTooLarge
	}
	n, _ := new(big.Int).SetString(significant, 10)
	n.Lsh(n, uint(twos))
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(tens, -tens))), nil)
	if tens >= 0 {
		n.Mul(n, power)
	} else if _, rest := n.QuoRem(n, power, new(big.Int)); rest.Sign() != 0 {
		return 0, errNotWhole
	}
	if !n.IsInt64() {
		return 0, errTooLarge
	}
	return n.Int64(), nil
}

// countValue is a flag that takes a whole number from min to max, as
// ParseCount reads it.
type countValue struct {
	bind     *int64
	min, max int64
}

// Set implements pflag.Value.
func (c countValue) Set(s string) error {
	n, err := parseCount(s)
	switch {
	case err == nil && n < c.min:
		err = errTooSmall
	case err == nil && n > c.max:
		err = errTooLarge
	}
	if err != nil {
		return fmt.Errorf("%w; it takes %s", err, c.takes())
	}
	*c.bind = n
	return nil
}

// String implements pflag.Value.
func (c countValue) String() string { return shortCount(*c.bind) }

// Type implements pflag.Value; the help calls the value so.
func (c countValue) Type() string { return "N" }

// takes describes the accepted values.
func (c countValue) takes() string {
	text := fmt.Sprintf("a whole number from %s to %s", shortCount(c.min), shortCount(c.max))
	if c.max >= 1e8 {
		text += ", " + countExamples
	}
	return text
}

// shortCount formats n; it writes powers of ten from a million on as people type them.
func shortCount(n int64) string {
	text := strconv.FormatInt(n, 10)
	if zeros, ok := strings.CutPrefix(text, "1"); ok && len(zeros) >= 6 && strings.Trim(zeros, "0") == "" {
		return fmt.Sprintf("1e%d", len(zeros))
	}
	return text
}

// bytesValue is a flag that takes a number of bytes from min to max, or its default.
type bytesValue struct {
	bind                *int64
	byDefault, min, max int64
}

// Set implements pflag.Value.
func (b bytesValue) Set(s string) error {
	n, err := parseCount(strings.TrimSuffix(s, "B"))
	switch {
	case s == "B":
		err = errNotNumber
	case err == nil && n < b.min && n != b.byDefault:
		err = errTooSmall
	case err == nil && n > b.max:
		err = errTooLarge
	}
	if err != nil {
		return fmt.Errorf("%w; it takes %s", err, b.takes())
	}
	*b.bind = n
	return nil
}

// String implements pflag.Value.
func (b bytesValue) String() string { return shortBytes(*b.bind) }

// Type implements pflag.Value.
func (bytesValue) Type() string { return "BYTES" }

func (b bytesValue) takes() string {
	text := "a number of bytes such as 64M, 64Mi or 1GiB"
	if b.min > 0 {
		text += ", " + shortBytes(b.min) + " at least"
	}
	return text
}

// shortBytes formats n with the suffix of the largest power of 1024 that divides it.
func shortBytes(n int64) string {
	suffix := ""
	for _, s := range []string{"Ki", "Mi", "Gi", "Ti"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, suffix = n/1024, s
	}
	return strconv.FormatInt(n, 10) + suffix
}
