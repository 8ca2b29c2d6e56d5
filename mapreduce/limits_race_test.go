//go:build race

package mapreduce

// testMemory is a limit in bytes under which this program can work; the race detector takes many
// times the memory that it watches.
const testMemory = 768 << 20
