package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"mrrun/jobs"
	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

// sharing says how to measure worker processes that use shared objects, and do nothing else.
type sharing struct {
	Prim   string
	Procs  int
	Count  int // operations of each process
	Size   int // bytes of a message; 0: the primitive's default
	Repeat int
}

// A primitiveFigure also has the keys of the scripts' primitive measurements.
type primitiveFigure struct {
	figure
	MicrosPerOp float64 `json:"us_per_op"`
	Count       int     `json:"count"`
	Size        int     `json:"size"` // bytes of a message; 0: a number, or no messages
}

func primitivesCommand(ctx context.Context, words []string, out io.Writer) error {
	p, asJSON, err := parsePrimitives(words)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(out, help)
		return err
	}
	if err != nil {
		return err
	}
	f, right, err := p.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeLines(out, []primitiveFigure{f})
	} else {
		_, err = fmt.Fprintf(out, "%s, procs %d, %d operations: %.4f s, %.3f µs each (%d runs); check: %s\n",
			p.Prim, f.Procs, f.Items, f.Seconds, f.MicrosPerOp, len(f.All), f.Check)
	}
	if err == nil && !right {
		err = fmt.Errorf("bench: %s went wrong: %s", p.Prim, f.Check)
	}
	return err
}

func parsePrimitives(words []string) (p sharing, asJSON bool, err error) {
	procs, count, size, repeat := int64(2), int64(1e5), int64(0), int64(3)
	prim := "lock"
	args, err := jobs.ParseFlags("mrrun bench primitives", words, func(f *jobs.Flags) {
		f.String(&prim, "prim", "NAME", "the primitive")
		f.Count(&procs, "procs", "", 1, mapreduce.MaxProcs, "worker processes")
		f.Count(&count, "count", "", 1, 1e9, "operations of each process")
		f.Count(&size, "size", "", 0, 1<<30, "bytes of a message; 0: a number, or 16 bytes in a pipe")
		f.Count(&repeat, "repeat", "", 1, 1000, "runs")
		f.Bool(&asJSON, "json", "print a JSON object")
	})
	if err == nil && len(args) > 0 {
		err = jobs.Usagef("bench primitives takes only flags, no arguments such as %q (see mrrun bench --help)", args[0])
	}
	if err != nil {
		return p, asJSON, err
	}
	known, err := lookupPrimitive(prim)
	if err == nil && known.pair && procs != 2 {
		err = jobs.Usagef("--procs %d: %s takes exactly 2 processes (see mrrun bench --help)", procs, prim)
	}
	if err == nil && !known.sends && size > 0 {
		err = jobs.Usagef("--size %d: %s sends no messages (see mrrun bench --help)", size, prim)
	}
	return sharing{prim, int(procs), int(count), int(size), int(repeat)}, asJSON, err
}

// measure runs one task in each worker of a pool that has started, all at once, and reports whether
// what they left was right each time. If it was not, the figure's check says what was wrong.
func (p sharing) measure(ctx context.Context) (f primitiveFigure, right bool, err error) {
	prim, err := lookupPrimitive(p.Prim)
	if err != nil {
		return f, false, err
	}
	if p.Size == 0 {
		p.Size = prim.size
	}
	c, err := newCrew(ctx, p.Procs)
	if err != nil {
		return f, false, err
	}
	defer c.close()
	var seconds []float64
	left := trial{right: true}
	for range p.Repeat {
		t, err := p.once(ctx, c, prim)
		if err != nil {
			return f, false, err
		}
		seconds = append(seconds, t.seconds)
		if left.right {
			left = t
		}
	}
	operations := p.Count
	if !prim.pair && !prim.joint {
		operations *= p.Procs
	}
	f = primitiveFigure{figure: newFigure("prim-"+p.Prim, p.Procs, 1, int64(operations), seconds, true),
		Count: p.Count, Size: p.Size}
	f.MicrosPerOp, f.Check = 1e6*f.Seconds/float64(operations), left.check
	return f, left.right, c.close()
}

// A trial is the result of one run.
type trial struct {
	seconds float64
	check   string
	right   bool
}

// once makes new objects, and runs the primitive in all workers.
func (p sharing) once(ctx context.Context, c crew, prim primitive) (t trial, err error) {
	o, closeAll, err := newObjects(p.Procs)
	if err != nil {
		return t, err
	}
	defer closeAll()
	address := ""
	switch {
	case prim.managed:
		m, err := manager.Start(ctx)
		if err != nil {
			return t, err
		}
		defer m.Close()
		o.manager, o.size, address = m, p.Size, m.Address()
	case prim.sends:
		room := 4
		if prim.piles {
			room = p.Count
		}
		err := o.addMessengers(p.Size, room)
		defer o.closeMessengers()
		if err != nil {
			return t, err
		}
	}
	parts := make([]part, p.Procs)
	for i := range parts {
		parts[i] = part{p.Prim, i, p.Count, p.Size, address, c.gate, o}
	}
	if t.seconds, err = together(ctx, c, exercise, parts); err != nil {
		return t, err
	}
	t.check, t.right = prim.check(&o, int64(p.Count)*int64(p.Procs))
	return t, nil
}

// A part is what one process does.
type part struct {
	Prim    string
	Me      int
	Count   int
	Size    int
	Manager string // address; "": there is none
	Gate    gate
	Objects objects
}

var exercise = mapreduce.FuncContext(func(ctx context.Context, p part) (struct{}, error) {
	prim, err := lookupPrimitive(p.Prim)
	if err == nil {
		err = p.Gate.pass(ctx)
	}
	if err != nil {
		return struct{}{}, err
	}
	p.Objects.size = p.Size
	if p.Manager != "" {
		c, err := manager.Dial(ctx, p.Manager)
		if err != nil {
			return struct{}{}, err
		}
		defer c.Close()
		p.Objects.manager = c
	}
	return struct{}{}, prim.work(ctx, &p.Objects, p.Me, p.Count)
})
