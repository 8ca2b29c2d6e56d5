package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
	"mrrun/shared"
	"mrrun/transport"
)

// arrays says how to measure squaring the elements of an array.
type arrays struct {
	MB        int
	Framework string // how: map, view, inplace or serial
	Procs     int
	Pin       bool
	Repeat    int
}

var arrayFrameworks = []string{"map", "view", "inplace", "serial"}

// An arraysFigure also has the keys of the scripts' array measurements.
type arraysFigure struct {
	figure
	MB       float64 `json:"mb"`
	MBPerSec float64 `json:"mb_per_s"` // the array counts once
}

func arraysCommand(ctx context.Context, words []string, out io.Writer) error {
	a, asJSON, err := parseArrays(words)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err != nil {
		return err
	}
	f, err := a.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeLines(out, []arraysFigure{f})
	} else {
		_, err = fmt.Fprintf(out, "%d MB by %s, procs %d: %.4f s, %.0f MB/s (%d runs); check: %s\n",
			a.MB, a.Framework, f.Procs, f.Seconds, f.MBPerSec, len(f.All), f.Check)
	}
	if err == nil && f.Check != "sum_ok=True" {
		err = errors.New("bench: wrong results: the sum of the squares is not that of the serial loop")
	}
	return err
}

func parseArrays(words []string) (a arrays, asJSON bool, err error) {
	mb, procs, repeat := int64(100), int64(2), int64(3)
	a.Framework = "map"
	args, err := jobs.ParseFlags("mrrun bench arrays", words, func(f *jobs.Flags) {
		f.Count(&mb, "mb", "", 1, 1e6, "megabytes of the array")
		f.String(&a.Framework, "framework", "NAME", strings.Join(arrayFrameworks, ", "))
		f.Count(&procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes")
		f.Bool(&a.Pin, "pin", "keep each worker on one processor")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.Bool(&asJSON, "json", "print a JSON object")
	})
	a.MB, a.Procs, a.Repeat = int(mb), int(procs), int(repeat)
	switch {
	case err != nil:
	case len(args) > 0:
		err = jobs.Usagef("bench arrays takes only flags, no arguments such as %q (see mrrun bench --help)", args[0])
	case !slices.Contains(arrayFrameworks, a.Framework):
		err = jobs.Usagef("--framework %s: it takes map, view, inplace or serial (see mrrun bench --help)", a.Framework)
	case a.Framework == "serial" && a.Pin:
		err = jobs.Usagef("--pin: serial has no workers to pin (see mrrun bench --help)")
	}
	return a, asJSON, err
}

// measure squares the array, each time from its first values, and checks the sum of the squares.
// Making the array and starting the workers are not measured.
func (a arrays) measure(ctx context.Context) (arraysFigure, error) {
	src := make([]float64, a.MB*1e6/8)
	for i := range src {
		src[i] = float64(i % 1000)
	}
	var seconds []float64
	var equal bool
	var err error
	switch a.Framework {
	case "map":
		seconds, equal, err = a.byMap(ctx, src)
	case "view":
		seconds, equal, err = a.byView(ctx, src)
	case "inplace":
		seconds, equal, err = a.inPlace(ctx, src)
	default:
		a.Procs = 1
		seconds, equal, err = a.serially(src)
	}
	if err != nil {
		return arraysFigure{}, err
	}
	f := arraysFigure{figure: newFigure("arrays", a.Procs, 1, int64(len(src)), seconds, equal), MB: float64(a.MB)}
	f.Framework, f.MBPerSec = "mrrun-"+a.Framework, f.MB/f.Seconds
	f.Check, _ = says("sum_ok", equal, true)
	return f, nil
}

// serially squares a copy in place, in this process.
func (a arrays) serially(src []float64) ([]float64, bool, error) {
	own := make([]float64, len(src))
	return a.repeat(src, func() { copy(own, src) }, func() ([][]float64, error) {
		square(own)
		return [][]float64{own}, nil
	})
}

var squared = mapreduce.Func(func(part []float64) []float64 {
	square(part) // it is a copy
	return part
})

// byMap sends each worker its part, and puts together what the workers send back.
func (a arrays) byMap(ctx context.Context, src []float64) ([]float64, bool, error) {
	c, err := newCrew(ctx, a.Procs, a.options()...)
	if err != nil {
		return nil, false, err
	}
	defer c.close()
	return a.repeat(src, func() {}, func() ([][]float64, error) {
		parts := make([][]float64, a.Procs)
		for i := range parts {
			first, end := bounds(len(src), a.Procs, i)
			parts[i] = src[first:end]
		}
		parts, err := squared.Map(ctx, c.Pool, parts, mapreduce.Chunksize(1))
		return [][]float64{slices.Concat(parts...)}, err
	})
}

var squaredView = mapreduce.Func(func(part transport.View[float64]) transport.View[float64] {
	square(part.Slice()) // in place
	return part
})

// byView sends each worker its part, and uses what the workers send back where it arrives.
func (a arrays) byView(ctx context.Context, src []float64) ([]float64, bool, error) {
	c, err := newCrew(ctx, a.Procs, a.options()...)
	if err != nil {
		return nil, false, err
	}
	defer c.close()
	parts := make([]transport.View[float64], a.Procs)
	for i := range parts {
		first, end := bounds(len(src), a.Procs, i)
		parts[i] = transport.NewView(src[first:end])
	}
	var squares []transport.View[float64]
	release := func() {
		for _, v := range squares {
			v.Release()
		}
	}
	defer release()
	return a.repeat(src, release, func() (all [][]float64, err error) {
		squares, err = squaredView.Map(ctx, c.Pool, parts, mapreduce.Chunksize(1))
		for _, v := range squares {
			all = append(all, v.Slice())
		}
		return all, err
	})
}

var squaredInPlace = mapreduce.Func(func(part *shared.Array[float64]) int {
	square(part.Slice())
	return part.Len()
})

// inPlace lets the workers square their parts in place. Copying src there is not measured.
func (a arrays) inPlace(ctx context.Context, src []float64) ([]float64, bool, error) {
	array, err := shared.NewArray[float64](len(src))
	if err != nil {
		return nil, false, err
	}
	defer array.Close()
	c, err := newCrew(ctx, a.Procs, a.options()...)
	if err != nil {
		return nil, false, err
	}
	defer c.close()
	parts := make([]*shared.Array[float64], a.Procs)
	for i := range parts {
		parts[i] = array.Sub(bounds(len(src), a.Procs, i))
	}
	return a.repeat(src, func() { copy(array.Slice(), src) }, func() ([][]float64, error) {
		_, err := squaredInPlace.Map(ctx, c.Pool, parts, mapreduce.Chunksize(1))
		return [][]float64{array.Slice()}, err
	})
}

func (a arrays) options() []mapreduce.PoolOption {
	if a.Pin {
		return []mapreduce.PoolOption{mapreduce.Pin()}
	}
	return nil
}

// repeat measures run, each time after prepare, and reports whether the sum of its results was
// right every time.
func (a arrays) repeat(src []float64, prepare func(), run func() ([][]float64, error)) (seconds []float64, equal bool, err error) {
	want := 0.0
	for _, v := range src {
		want += v * v
	}
	equal = true
	for range a.Repeat {
		prepare()
		began := time.Now()
		squares, err := run()
		if err != nil {
			return nil, false, err
		}
		seconds = append(seconds, time.Since(began).Seconds())
		equal = equal && sum(squares...) == want
	}
	return seconds, equal, nil
}

// square squares each element.
func square(part []float64) {
	for i, v := range part {
		part[i] = v * v
	}
}

// sum is exact here: all are whole numbers, and none is as large as 2⁵³.
func sum(parts ...[]float64) float64 {
	s := 0.0
	for _, part := range parts {
		for _, v := range part {
			s += v
		}
	}
	return s
}

// bounds returns where part i of n elements begins and ends.
func bounds(n, parts, i int) (first, end int) { return n * i / parts, n * (i + 1) / parts }
