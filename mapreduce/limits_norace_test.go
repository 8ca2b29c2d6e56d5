//go:build !race

package mapreduce

// testMemory is a limit in bytes under which this program can work: with cgo, the stack of each
// thread counts 8 MiB.
const testMemory = 256 << 20
