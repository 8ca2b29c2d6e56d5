package pi

// lanes are running sums of groups. Their number fills the registers of the widest kernel, and is
// the same for all, so that all add in the same order.
type lanes [16]float64

// sumGroupsGo adds rounds groups to each lane: those around centre, centre - step and so on, to one
// lane after the other. It is the reference for the kernels in assembly, which have the same
// operations and thus the same bits.
func sumGroupsGo(sums *lanes, centre float64, rounds int64) {
	for ; rounds > 0; rounds-- {
		for i := range sums {
			sums[i] += group(centre - step*float64(i))
		}
		centre -= step * float64(len(sums))
	}
}

// group returns the sum of the eight terms around centre. The conversion keeps compilers from
// fusing the product with the subtraction.
func group(centre float64) float64 {
	return 8 / (float64(centre*centre) - 61)
}
