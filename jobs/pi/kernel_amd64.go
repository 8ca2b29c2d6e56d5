package pi

import "golang.org/x/sys/cpu"

var (
	hasAVX512 = cpu.X86.HasAVX512F
	hasAVX2   = cpu.X86.HasAVX2
)

// sumGroups is [sumGroupsGo] by the widest registers of this CPU.
func sumGroups(sums *lanes, centre float64, rounds int64) {
	switch {
	case hasAVX512:
		sumGroupsAVX512(sums, centre, rounds)
	case hasAVX2:
		sumGroupsAVX2(sums, centre, rounds)
	default:
		sumGroupsGo(sums, centre, rounds)
	}
}

//go:noescape
func sumGroupsAVX512(sums *lanes, centre float64, rounds int64)

//go:noescape
func sumGroupsAVX2(sums *lanes, centre float64, rounds int64)
