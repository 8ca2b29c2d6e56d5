// Package shuffle is the engine behind jobs that reduce by key. It knows neither processes nor
// jobs: it moves records, which are a key and a value as bytes.
//
//	map     a [Writer] sorts records into [Partitions] by the hash of their keys and appends them,
//	        a block of a partition at a time, to a [File]; Commit says where they are
//	reduce  a [Files] reads the blocks of one partition, wherever they were written
//
// Records that no Commit has reported do not exist: when a process dies, what it has appended since
// is left in the file, and nobody reads it.
//
// A key of bytes whose values are numbers that can be merged takes a fast path. [Sums] merges the
// values of frequent keys where they come up, in a table that fits in the processor's caches, and
// writes only the other records; a [Merger] merges the records of a partition.
package shuffle
