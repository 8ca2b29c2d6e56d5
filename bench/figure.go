package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

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

// writeTable writes a table that compares each figure with the first.
func writeTable(out io.Writer, figures []figure) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "procs\tmedian\tleast\tmost\tspeed-up\tefficiency\tstart-up\t\n")
	for _, f := range figures {
		fmt.Fprintf(t, "%d\t%.4f s\t%.4f s\t%.4f s\t%.2f\t%.0f %%\t%.1f %%\t\n", f.Procs, f.Seconds,
			slices.Min(f.All), slices.Max(f.All), f.Speedup, 100*f.Efficiency, 100*f.Startup/f.Seconds)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d runs each; check: %s\n", len(figures[0].All), figures[0].Check)
	return err
}
