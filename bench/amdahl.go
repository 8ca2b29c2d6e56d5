package bench

import (
	"fmt"
	"math"
)

// amdahl is the law of Amdahl, fitted to the times of 1, 2, ... processes: T(n)/T(1) = s + (1-s)/n.
type amdahl struct {
	Serial float64 `json:"serial"`       // s, the part of the work that is serial
	Error  float64 `json:"serial_error"` // standard error of s
	Misfit float64 `json:"misfit"`       // root of the mean square of what the law misses T(n)/T(1) by
	Points int     `json:"points"`
}

// fitAmdahl fits the law to the rows of processes, as many as there are processors at most, by least
// squares. It returns nil if fewer than three numbers of processes, or not one, were measured.
func fitAmdahl(rows []row, cpus int) *amdahl {
	times := map[int]float64{}
	for _, r := range rows {
		if r.Name == "procs" && r.Procs <= cpus {
			times[r.Procs] = r.Median
		}
	}
	one := times[1]
	if len(times) < 3 || one == 0 {
		return nil
	}
	var xx, xy float64
	misses := func(s float64) (sum float64) {
		for n, t := range times {
			sum += math.Pow(t/one-1/float64(n)-s*(1-1/float64(n)), 2)
		}
		return sum
	}
	for n, t := range times {
		x, y := 1-1/float64(n), t/one-1/float64(n)
		xx += x * x
		xy += x * y
	}
	s := min(max(xy/xx, 0), 1)
	free := float64(len(times) - 2) // the point of one process fits always
	return &amdahl{Serial: s, Error: math.Sqrt(misses(s) / free / xx), Misfit: math.Sqrt(misses(s) / float64(len(times)-1)), Points: len(times)}
}

func (a *amdahl) String() string {
	most := "there is no bound to the speed-up"
	if a.Serial > 0 {
		most = fmt.Sprintf("at most %.1f times faster on any number of processors", 1/a.Serial)
	}
	return fmt.Sprintf("Amdahl: %.1f ± %.1f %% of the work is serial, so %s (fit error %.1f %%).", 100*a.Serial, 100*a.Error, most, 100*a.Misfit)
}
