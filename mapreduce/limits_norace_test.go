//go:build !race

package mapreduce

// testMemory is a limit that this program can work under: with cgo, each thread's stack counts 8 MiB.
const testMemory = 256 << 20
