package text

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// A Decimal is an exact number of up to 18 digits after the point and 20 before it. Sums of
// Decimals are exact, so they are the same in any order. The zero value is 0.
type Decimal struct {
	Hi int64 // with Lo: the number in units of 10^-18, as a two's complement of 128 bits
	Lo uint64
}

const decimals = 18

// ErrRange is the error of a number that is no Decimal for its size or its digits.
var ErrRange = errors.New("out of range: a number has at most 20 digits before the point, 18 after it and 19 in all")

const most = 19 // the greatest power of ten in a uint64

var powersOf10 = func() (p [most + 1]uint64) {
	p[0] = 1
	for i := range most {
		p[i+1] = 10 * p[i]
	}
	return p
}()

// ParseDecimal reads a number such as 7, -0.25, +1e6 or 2.5E-3. The error is [ErrRange], or says
// that it is no number.
func ParseDecimal(text []byte) (Decimal, error) {
	rest := text
	negative := len(rest) > 0 && rest[0] == '-'
	if negative || len(rest) > 0 && rest[0] == '+' {
		rest = rest[1:]
	}
	var digits uint64
	places, seen, point := 0, 0, false
	i := 0
	for ; i < len(rest); i++ {
		b := rest[i]
		if b == '.' && !point {
			point = true
			continue
		}
		if b < '0' || b > '9' {
			break
		}
		seen++
		if digits >= 1e18 {
			return Decimal{}, fmt.Errorf("%s: %w", text, ErrRange)
		}
		digits = 10*digits + uint64(b-'0')
		if point {
			places++
		}
	}
	if seen == 0 || i < len(rest) && rest[i] != 'e' && rest[i] != 'E' {
		return Decimal{}, fmt.Errorf("%.100q is not a number", text)
	}
	if i < len(rest) {
		exponent, ok := parseExponent(rest[i+1:])
		if !ok {
			return Decimal{}, fmt.Errorf("%.100q is not a number", text)
		}
		places -= exponent
	}
	d, ok := scaled(digits, decimals-places)
	if !ok {
		return Decimal{}, fmt.Errorf("%s: %w", text, ErrRange)
	}
	if negative {
		d = d.negated()
	}
	return d, nil
}

func parseExponent(text []byte) (n int, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	for _, b := range text {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = min(10*n+int(b-'0'), 1e6)
	}
	if negative {
		n = -n
	}
	return n, len(text) > 0
}

// scaled returns digits times ten to the power of places.
func scaled(digits uint64, places int) (d Decimal, ok bool) {
	for places < 0 && digits%10 == 0 && digits > 0 {
		digits /= 10
		places++
	}
	switch {
	case digits == 0:
		return Decimal{}, true
	case places < 0, places > 2*most:
		return Decimal{}, false
	}
	first := min(places, most)
	hi, lo := bits.Mul64(digits, powersOf10[first])
	overflow, high := bits.Mul64(hi, powersOf10[places-first])
	carry, lo := bits.Mul64(lo, powersOf10[places-first])
	high, over := bits.Add64(high, carry, 0)
	return Decimal{int64(high), lo}, overflow == 0 && over == 0 && high < 1<<63
}

func (d Decimal) negated() Decimal {
	lo, borrow := bits.Sub64(0, d.Lo, 0)
	return Decimal{-d.Hi - int64(borrow), lo}
}

// Add returns d + e. It panics if that is beyond the range, which is 1.7e20.
func (d Decimal) Add(e Decimal) Decimal {
	lo, carry := bits.Add64(d.Lo, e.Lo, 0)
	hi := d.Hi + e.Hi + int64(carry)
	if d.Hi < 0 == (e.Hi < 0) && hi < 0 != (d.Hi < 0) {
		panic(fmt.Sprintf("text: the sum of %v and %v is out of range", d, e))
	}
	return Decimal{hi, lo}
}

// Less reports whether d < e.
func (d Decimal) Less(e Decimal) bool {
	return d.Hi < e.Hi || d.Hi == e.Hi && d.Lo < e.Lo
}

// Rat returns the number as a fraction.
func (d Decimal) Rat() *big.Rat {
	n := new(big.Int).Lsh(big.NewInt(d.Hi), 64)
	n.Add(n, new(big.Int).SetUint64(d.Lo))
	return new(big.Rat).SetFrac(n, new(big.Int).SetUint64(powersOf10[decimals]))
}

// Over returns the number that is nearest to d / n.
func (d Decimal) Over(n int64) float64 {
	quotient, _ := new(big.Rat).Quo(d.Rat(), new(big.Rat).SetInt64(n)).Float64()
	return quotient
}

// String returns all digits of the number and no others, such as -0.25.
func (d Decimal) String() string {
	sign, abs := "", d
	if d.Hi < 0 {
		sign, abs = "-", d.negated()
	}
	if uint64(abs.Hi) >= powersOf10[decimals] { // the digits before the point do not fit in a uint64
		text := d.Rat().FloatString(decimals)
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	whole, rest := bits.Div64(uint64(abs.Hi), abs.Lo, powersOf10[decimals])
	text := sign + strconv.FormatUint(whole, 10)
	if rest > 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%0*d", decimals, rest), "0")
	}
	return text
}
