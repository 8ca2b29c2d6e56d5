//go:build !amd64

package pi

func sumGroups(sums *lanes, centre float64, rounds int64) { sumGroupsGo(sums, centre, rounds) }
