// Package factorial is the job that computes n!, or every n! of a range, as Pool.map(factorial,
// range(a, b)) does.
package factorial

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	"mrrun/internal/outfile"
	"mrrun/internal/stdio"
	"mrrun/jobs"
	"mrrun/mapreduce"
)

const (
	// maxN bounds n: 1e8! has 757 million digits.
	maxN = 1e8
	// productPieces is how many pieces one product is cut into.
	productPieces = 64
	// everyBytes is how many bytes the results of one piece of a range take. Each piece begins with
	// one full product, which takes a fifth of its time at this size.
	everyBytes = 4 << 20
	// shownDigits is the length up to which a number is printed in full.
	shownDigits = 1000
)

// A piece is the work for one task: the product of a range, or every factorial of it.
type piece struct {
	span
	Every bool
}

var compute = mapreduce.Func(func(p piece) []*big.Int {
	if p.Every {
		return everyFactorial(p.span)
	}
	return []*big.Int{product(p.span)}
})

func init() {
	jobs.Register(jobs.Command{
		Name:    "factorial",
		Summary: "Compute n!, or every n! of a range.",
		Example: "--range 0:12000 --compare",
		New: func(flags *jobs.Flags) jobs.Work {
			f := &factorials{n: 1000}
			flags.Count(&f.n, "number", "n", 0, maxN, "compute N!, in 4 bytes a digit and 50 MB a process")
			flags.String(&f.every, "range", "A:B", "compute n! for every n from A to B-1 instead")
			flags.String(&f.out, "out", "FILE", "write all digits to FILE, one number a line; - is standard output, without the result")
			flags.Bool(&f.compare, "compare", "compute serially too, check every value and show both times")
			return jobs.Choose(func() jobs.Work {
				if f.isLong() {
					return jobs.Solve(f)
				}
				return jobs.Fold(compute, f)
			})
		},
	})
}

// factorials is one run of the job.
type factorials struct {
	n       int64
	every   string
	out     string
	compare bool

	ctx   context.Context // of the run
	whole span            // of --range
	began time.Time
	file  *outfile.File
	line  []byte     // the digits of one value
	parts []*big.Int // of one product; with --compare also of a range
	tally tally
	one   digest
	text  []byte // of one short number
	notes []string
}

func (f *factorials) ranged() bool { return f.every != "" }

// Split implements [jobs.Folder].
func (f *factorials) Split(ctx context.Context, _ []string) (jobs.Pieces[piece], error) {
	f.ctx = ctx
	var ranges []span
	if f.ranged() {
		var err error
		if f.whole, err = parseRange(f.every); err != nil {
			return jobs.Pieces[piece]{}, err
		}
		ranges = splitEvery(f.whole, everyBytes)
	} else {
		ranges = splitProduct(f.n, productPieces)
	}
	if err := f.create(ctx); err != nil {
		return jobs.Pieces[piece]{}, err
	}
	pieces := make([]piece, len(ranges))
	for i, r := range ranges {
		pieces[i] = piece{r, f.ranged()}
	}
	f.began = time.Now()
	return jobs.Pieces[piece]{All: slices.Values(pieces), Count: len(pieces)}, nil
}

// create opens the output file, if there is one.
func (f *factorials) create(ctx context.Context) (err error) {
	if f.out == "" {
		return nil
	}
	if f.file, err = outfile.Create(ctx, f.out); err != nil {
		return fmt.Errorf("factorial: %w", err)
	}
	return nil
}

// parseRange reads A:B.
func parseRange(s string) (r span, err error) {
	from, to, found := strings.Cut(s, ":")
	if found {
		if r.Lo, err = jobs.ParseCount(from); err == nil {
			r.Hi, err = jobs.ParseCount(to)
		}
	}
	if !found || err != nil || r.Lo > r.Hi || r.Hi > maxN {
		return r, jobs.Usagef("--range %q: it takes A:B with 0 <= A <= B <= %d, such as 0:12000", s, int64(maxN))
	}
	return r, nil
}

// Add implements [jobs.Folder].
func (f *factorials) Add(values []*big.Int) error {
	if !f.ranged() || f.compare {
		f.parts = append(f.parts, values...)
	}
	if !f.ranged() {
		return nil
	}
	for _, x := range values {
		if err := context.Cause(f.ctx); err != nil { // decimal text takes long
			return err
		}
		f.tally.add(x)
		if f.file == nil {
			continue
		}
		f.line = x.Append(f.line[:0], 10)
		if err := f.file.WriteLine(f.line); err != nil {
			return fmt.Errorf("factorial: %w", err)
		}
	}
	return nil
}

// Finish implements [jobs.Finisher].
func (f *factorials) Finish() error {
	values := f.parts
	if !f.ranged() {
		whole, err := await(f.ctx, func() *big.Int { return productTree(f.parts) })
		if err != nil {
			return err
		}
		values = []*big.Int{whole}
	}
	if f.compare {
		if err := f.compareWithSerial(values); err != nil {
			return err
		}
	}
	if !f.ranged() {
		text, err := await(f.ctx, func() []byte { return values[0].Append(nil, 10) })
		if err != nil {
			return err
		}
		f.one = digestOf(text)
		if len(text) <= shownDigits {
			f.text = text
		}
		if err := f.file.WriteLine(text); err != nil {
			return fmt.Errorf("factorial: %w", err)
		}
	}
	return f.commit()
}

// commit puts the output file in its place.
func (f *factorials) commit() error {
	if err := f.file.Commit(); err != nil {
		return fmt.Errorf("factorial: %w", err)
	}
	return nil
}

// compareWithSerial computes everything again in this goroutine.
func (f *factorials) compareWithSerial(values []*big.Int) error {
	parallel := time.Since(f.began)
	began := time.Now()
	first := f.n
	if f.ranged() {
		first = f.whole.Lo
	}
	want, err := await(f.ctx, func() []*big.Int {
		if f.ranged() {
			return everyFactorial(f.whole)
		}
		return []*big.Int{product(span{2, f.n + 1})}
	})
	if err != nil {
		return err
	}
	serial := time.Since(began)
	if len(want) != len(values) {
		return fmt.Errorf("factorial: %d values differ in number from the %d of the serial run", len(values), len(want))
	}
	for i := range want {
		if values[i].Cmp(want[i]) != 0 {
			return fmt.Errorf("factorial: %d! differs from that of the serial run", first+int64(i))
		}
	}
	f.noteTimes(serial, parallel, len(want))
	return nil
}

// noteTimes says how long both took to compute so many equal values.
func (f *factorials) noteTimes(serial, parallel time.Duration, values int) {
	f.notes = append(f.notes, fmt.Sprintf("serial %.3f s, with workers %.3f s; values compared and equal: %d",
		serial.Seconds(), parallel.Seconds(), values), f.verdict(serial, parallel))
}

// verdict says what the workers gained, or why they did not.
func (f *factorials) verdict(serial, parallel time.Duration) string {
	switch {
	case parallel < serial:
		return fmt.Sprintf("workers gained: %.1f times as fast", serial.Seconds()/parallel.Seconds())
	case f.ranged():
		return "workers gained nothing: a value is the one before times n, and to send it takes longer than that; one large product gains (-n 1e6)"
	default:
		return "workers gained nothing: the product is too small to pay for their start (try -n 1e6), or there are more of them than free cores"
	}
}

// await returns the result of compute, or the cause if ctx ends first. Nothing interrupts math/big,
// so compute goes on by itself then; it must not write to anything that others read.
func await[T any](ctx context.Context, compute func() T) (T, error) {
	computed := make(chan T, 1)
	go func() { computed <- compute() }()
	select {
	case value := <-computed:
		return value, nil
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// Close implements [io.Closer]: it discards an output file that is not complete.
func (f *factorials) Close() error { return f.file.Close() }

// Streams implements [jobs.Streamer].
func (f *factorials) Streams() bool { return stdio.Output(f.out) == os.Stdout }

// Show implements [jobs.Output].
func (f *factorials) Show(w io.Writer) (err error) {
	switch {
	case f.ranged():
		_, err = fmt.Fprintf(w, "count %d\nbits %d\nfingerprint %d\n", f.tally.Count, f.tally.Bits, f.tally.Sum)
	case f.text != nil:
		_, err = fmt.Fprintf(w, "%s\n", f.text)
	default:
		_, err = fmt.Fprintf(w, "first %s\nlast %s\ndigits %d\nsha256 %s\n", f.one.First, f.one.Last, f.one.Digits, f.one.SHA256)
	}
	return err
}

// Notes implements [jobs.Noter].
func (f *factorials) Notes() []string { return f.notes }

// Result implements [jobs.Output].
func (f *factorials) Result() any {
	if f.ranged() {
		return struct {
			Count       int64  `json:"count"`
			Bits        int64  `json:"bits"`
			Fingerprint uint64 `json:"fingerprint"`
			Equal       *bool  `json:"equal,omitempty"`
		}{f.tally.Count, f.tally.Bits, f.tally.Sum, f.equal()}
	}
	return struct {
		Digits int64  `json:"digits"`
		First  string `json:"first"`
		Last   string `json:"last"`
		SHA256 string `json:"sha256"`
		Text   string `json:"text,omitempty"`
		Equal  *bool  `json:"equal,omitempty"`
	}{f.one.Digits, f.one.First, f.one.Last, f.one.SHA256, string(f.text), f.equal()}
}

// equal returns nil unless the values were compared; a difference was reported as an error before.
func (f *factorials) equal() *bool {
	if !f.compare {
		return nil
	}
	return &f.compare
}

// Params implements [jobs.Output].
func (f *factorials) Params() any {
	if f.ranged() {
		return struct {
			Range [2]int64 `json:"range"`
		}{[2]int64{f.whole.Lo, f.whole.Hi}}
	}
	return struct {
		N int64 `json:"n"`
	}{f.n}
}

// Units implements [jobs.Output]: numbers.
func (f *factorials) Units() int64 {
	if f.ranged() {
		return f.whole.Hi - f.whole.Lo
	}
	return 1
}
