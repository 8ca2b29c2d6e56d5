package bench

import (
	"io"
	"slices"

	"mrrun/jobs"
)

// A figure is one measurement.
type figure struct {
	Workload  string    `json:"workload"`
	Framework string    `json:"framework"`
	Procs     int       `json:"procs"`
	Seconds   float64   `json:"seconds"` // the median of All
	ItemsPerS float64   `json:"items_per_s"`
	Check     string    `json:"check"` // "equal=True" when all results were compared and are equal
	All       []float64 `json:"all"`   // seconds of each run

	Chunksize  int     `json:"chunksize"` // 0: automatic
	Items      int64   `json:"items"`
	Startup    float64 `json:"startup_seconds"` // median time until the first worker was ready
	Speedup    float64 `json:"speedup,omitempty"`
	Efficiency float64 `json:"efficiency,omitempty"`
}

func newFigure(workload string, procs, chunksize int, items int64, all []float64, equal bool) figure {
	f := figure{
		Workload: workload, Framework: "mrrun", Procs: procs, Chunksize: chunksize, Items: items, All: all,
		Seconds: median(all), Check: "equal=False",
	}
	f.ItemsPerS = float64(items) / f.Seconds
	if equal {
		f.Check = "equal=True"
	}
	return f
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func writeLines[F any](out io.Writer, figures []F) error {
	for _, f := range figures {
		if err := jobs.WriteJSON(out, f); err != nil {
			return err
		}
	}
	return nil
}
