// Package interleave runs simulated processes one operation on shared memory at a time, in every
// order or in many random ones, and kills them between any two operations. It exists only in builds
// with the tag interleave, for tests.
package interleave
