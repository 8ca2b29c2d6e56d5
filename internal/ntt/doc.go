// Package ntt multiplies long numbers in base 10^15 by number-theoretic transforms modulo two
// 62-bit primes.
//
// A number is a slice of limbs, the lowest first, each below [Base]. The work for one product is cut
// so that processes can share it. A [Plan] splits it into parts, which say what the product is
// modulo x^Size-z for different z, and each part into one piece for each prime: [Plan.Residues]
// reads the factors and writes nothing but the residues of its piece. When all are there,
// [Plan.Carry] makes limbs of them, each call for other places of the product, and [AddCarry] adds
// what is carried from one stretch of limbs to the next. So a piece can be computed again if its
// process dies.
package ntt
