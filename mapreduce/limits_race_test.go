//go:build race

package mapreduce

// testMemory is a limit that this program can work under; the race detector takes many times what it watches.
const testMemory = 768 << 20
