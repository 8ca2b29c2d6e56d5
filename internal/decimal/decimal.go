// Package decimal computes with long decimal numbers within one process.
//
// A number is a slice of limbs in base 10^15, the lowest first and the highest not 0; zero has no
// limbs. So its text is formatting, which for a binary number of the same length would take longer
// than to compute it.
package decimal

import (
	"math/big"
	"math/bits"
	"slices"
	"strconv"

	"mrrun/internal/ntt"
)

const (
	base   = ntt.Base
	digits = ntt.Digits
)

// Trim returns x without zeros on top.
func Trim(x []uint64) []uint64 {
	for len(x) > 0 && x[len(x)-1] == 0 {
		x = x[:len(x)-1]
	}
	return x
}

// FromBig returns x, which is not negative.
func FromBig(x *big.Int) []uint64 {
	text := x.Append(nil, 10)
	var limbs []uint64
	for end := len(text); end > 0; end -= digits {
		limb, _ := strconv.ParseUint(string(text[max(0, end-digits):end]), 10, 64) // only digits
		limbs = append(limbs, limb)
	}
	return Trim(limbs)
}

// Append appends the digits of x to text.
func Append(text []byte, x []uint64) []byte {
	if len(x) == 0 {
		return append(text, '0')
	}
	top := len(x) - 1
	return AppendLimbs(strconv.AppendUint(text, x[top], 10), x[:top])
}

// AppendLimbs appends all 15 digits of each limb, those of the highest first.
func AppendLimbs(text []byte, limbs []uint64) []byte {
	at := len(text)
	text = slices.Grow(text, digits*len(limbs))[:at+digits*len(limbs)]
	for _, limb := range slices.Backward(limbs) {
		b := (*[digits]byte)(text[at:])
		at += digits
		high, low := uint32(limb/1e8), uint32(limb%1e8)
		b[0] = '0' + byte(high/1e6)
		pair := high / 1e4 % 100
		b[1], b[2] = pairs[2*pair], pairs[2*pair+1]
		putFour((*[4]byte)(b[3:]), high%1e4)
		putFour((*[4]byte)(b[7:]), low/1e4)
		putFour((*[4]byte)(b[11:]), low%1e4)
	}
	return text
}

// putFour writes the four digits of n.
func putFour(to *[4]byte, n uint32) {
	a, b := n/100, n%100
	to[0], to[1] = pairs[2*a], pairs[2*a+1]
	to[2], to[3] = pairs[2*b], pairs[2*b+1]
}

// pairs has the two digits of each number below 100.
var pairs = func() (all [200]byte) {
	for i := range 100 {
		all[2*i], all[2*i+1] = '0'+byte(i/10), '0'+byte(i%10)
	}
	return
}()

// Len returns the number of digits of x; zero has 1.
func Len(x []uint64) int64 {
	if len(x) == 0 {
		return 1
	}
	return int64(len(x)-1)*digits + int64(len(strconv.FormatUint(x[len(x)-1], 10)))
}

// TimesWord multiplies x by w, below the base, in place, except that it may have to append a limb.
func TimesWord(x []uint64, w uint64) []uint64 {
	var carry uint64
	for i, limb := range x {
		hi, lo := bits.Mul64(limb, w)
		lo, c := bits.Add64(lo, carry, 0)
		carry, x[i] = bits.Div64(hi+c, lo, base)
	}
	if carry != 0 {
		x = append(x, carry)
	}
	return x
}

// Add adds y to x in place. The sum must have a place in x.
func Add(x, y []uint64) {
	var carry uint64
	for i := 0; i < len(y) || carry > 0; i++ {
		sum := x[i] + carry
		if i < len(y) {
			sum += y[i]
		}
		carry = 0
		if sum >= base {
			sum, carry = sum-base, 1
		}
		x[i] = sum
	}
}

// Sub subtracts y, which is at most x, from x in place.
func Sub(x, y []uint64) {
	var borrow uint64
	for i := 0; i < len(y) || borrow > 0; i++ {
		take := borrow
		if i < len(y) {
			take += y[i]
		}
		borrow = 0
		if x[i] < take {
			x[i], borrow = x[i]+base, 1
		}
		x[i] -= take
	}
}
