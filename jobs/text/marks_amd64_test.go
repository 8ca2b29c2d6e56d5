package text

import (
	"testing"

	"golang.org/x/sys/cpu"
)

// Wide registers or none, the marks are the same.
func TestMarkWithoutWideRegisters(t *testing.T) {
	t.Cleanup(func() { hasAVX2 = cpu.X86.HasAVX2 })
	hasAVX2 = false
	TestMarkEveryByte(t)
}

func BenchmarkMarkWithoutWideRegisters(b *testing.B) {
	b.Cleanup(func() { hasAVX2 = cpu.X86.HasAVX2 })
	hasAVX2 = false
	BenchmarkMark(b)
}
