package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

var errFails = errors.New("it fails")

var forgetful = primitive{name: "forgetful", check: numberIs, work: func(ctx context.Context, o *objects, me, n int) error {
	return incrementAtomic(ctx, o, me, n-me)
}}

var fails = primitive{name: "fails", check: numberIs, work: func(ctx context.Context, o *objects, me, _ int) error {
	if me == 0 {
		return errFails
	}
	return o.Event1.Wait(ctx) // which is never set
}}

func init() { // in the workers too
	own := primitives
	primitives = func() []primitive { return append(own(), forgetful, fails) }
	mapreduce.RegisterError(errFails)
}

func TestPrimitives(t *testing.T) {
	for prim, want := range map[string]struct {
		items int64
		check string
	}{
		"lock":               {600, "exact=True"},
		"rlock":              {600, "exact=True"},
		"value-lock":         {600, "exact=True"},
		"atomic":             {600, "exact=True"},
		"event":              {300, "token=True"},
		"semaphore":          {600, "value=2"},
		"semaphore-pingpong": {300, "token=1"},
		"barrier":            {300, "whole=True"},
		"condition":          {300, "turn=0"},
		"queue":              {300, "empty=True"},
		"simplequeue":        {300, "empty=True"},
		"joinable":           {300, "empty=True"},
		"queue-put-only":     {300, "empty=True"},
		"pipe":               {300, "empty=True"},
		"pingpong":           {300, "ok"},

		"manager-dict":           {600, "keys=2"},
		"manager-dict-pipelined": {600, "keys=128"},
		"manager-list":           {600, "len=2"},
		"manager-value":          {600, "last=149"},
		"manager-event":          {300, "token=True"},
		"manager-queue":          {300, "empty=True"},
	} {
		f, right, err := sharing{Prim: prim, Procs: 2, Count: 300, Repeat: 2}.measure(t.Context())
		if err != nil || !right || f.Check != want.check || f.Items != want.items || f.Workload != "prim-"+prim ||
			f.Procs != 2 || f.Count != 300 || len(f.All) != 2 || f.MicrosPerOp != 1e6*f.Seconds/float64(want.items) {
			t.Errorf("%s: got %+v, %t, %v", prim, f, right, err)
		}
	}
}

// Messages of any size arrive as they were sent.
func TestPrimitivesWithSizes(t *testing.T) {
	for _, prim := range []string{"queue", "joinable", "queue-put-only", "pipe", "pingpong", "manager-queue"} {
		for _, size := range []int{1, 100_000} {
			f, right, err := sharing{Prim: prim, Procs: 2, Count: 20, Size: size, Repeat: 1}.measure(t.Context())
			if err != nil || !right || f.Size != size {
				t.Errorf("%s of %d bytes: got %+v, %t, %v", prim, size, f, right, err)
			}
		}
	}
	err := Command.Run(t.Context(), strings.Fields("primitives --prim lock --size 5"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "lock sends no messages") {
		t.Errorf("got %v", err)
	}
}

// A wrong end state is reported, after the figure.
func TestForgetfulPrimitive(t *testing.T) {
	var out strings.Builder
	err := Command.Run(t.Context(), strings.Fields("primitives --prim forgetful --count 10 --repeat 2 --json"), &out)
	if err == nil || err.Error() != "bench: forgetful went wrong: exact=False" || exitCode(err) != 1 {
		t.Errorf("got %v", err)
	}
	var f primitiveFigure
	if err := json.Unmarshal([]byte(out.String()), &f); err != nil || f.Check != "exact=False" {
		t.Errorf("got %s, %v", out.String(), err)
	}
}

func TestChecksFail(t *testing.T) {
	const times = 7
	for name, tt := range map[string]struct {
		spoil func(o *objects)
		want  string
	}{
		"lock":               {func(o *objects) { o.Plain.Set(0, times-1) }, "exact=False"},
		"rlock":              {func(o *objects) { o.Plain.Set(0, times+1) }, "exact=False"},
		"value-lock":         {func(o *objects) { o.Number.Store(times - 1) }, "exact=False"},
		"atomic":             {func(o *objects) { o.Number.Store(times + 1) }, "exact=False"},
		"unlocked":           {func(o *objects) { o.Number.Store(times + 1) }, "lost=-1"},
		"event":              {func(o *objects) { o.Event0.Clear() }, "token=False"},
		"semaphore":          {func(o *objects) { o.Permits.TryAcquire() }, "value=1"},
		"semaphore-pingpong": {func(o *objects) { o.Token0.TryAcquire() }, "token=0"},
		"barrier":            {func(o *objects) { o.Barrier.Abort() }, "whole=False"},
		"condition":          {func(o *objects) { o.Number.Store(1) }, "turn=1"},
	} {
		prim, err := lookupPrimitive(name)
		if err != nil {
			t.Fatal(err)
		}
		o, closeAll, err := newObjects(2)
		if err != nil {
			t.Fatal(err)
		}
		tt.spoil(&o)
		if got, right := prim.check(&o, times); got != tt.want || right {
			t.Errorf("%s: got %s, %t, want %s, false", name, got, right, tt.want)
		}
		closeAll()
	}
}

func TestManagedChecksFail(t *testing.T) {
	const times = 8 // 4 by each of 2 processes
	ctx := t.Context()
	for name, tt := range map[string]struct {
		spoil func(o *objects) error // called after the work
		want  string
	}{
		"manager-dict":           {func(o *objects) error { return must(o.dict(ctx)).Set(ctx, 2, 0) }, "keys=3"},
		"manager-dict-pipelined": {func(o *objects) error { return must(o.dict(ctx)).Set(ctx, 1, 0) }, "keys=4"},
		"manager-list":           {func(o *objects) error { return must(o.list(ctx)).Set(ctx, 0, 0) }, "len=2"},
		"manager-value":          {func(o *objects) error { return must(o.value(ctx)).Store(ctx, 0) }, "last=0"},
		"manager-event":          {func(o *objects) error { return must(o.event(ctx, 0)).Clear(ctx) }, "token=False"},
		"manager-queue":          {func(o *objects) error { return must(queue[int](ctx, o)).Put(ctx, number) }, "empty=False"},
	} {
		prim := must(lookupPrimitive(name))
		o, closeAll, err := newObjects(2)
		if err != nil {
			t.Fatal(err)
		}
		m := must(manager.Start(ctx))
		o.manager = m
		both, ctx := errgroup.WithContext(ctx)
		for me := range 2 {
			both.Go(func() error { return prim.work(ctx, &o, me, times/2) })
		}
		if err := both.Wait(); err != nil {
			t.Fatal(err)
		}
		if text, right := prim.check(&o, times); !right {
			t.Errorf("%s: %s is wrong", name, text)
		}
		if err := tt.spoil(&o); err != nil {
			t.Fatal(err)
		}
		if got, right := prim.check(&o, times); got != tt.want || right {
			t.Errorf("%s: got %s, %t, want %s, false", name, got, right, tt.want)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if text, right := prim.check(&o, times); right {
			t.Errorf("%s without a manager: %s is right", name, text)
		}
		closeAll()
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestLostIncrements(t *testing.T) {
	for _, tt := range []struct {
		procs int
		left  int64
		right bool
	}{{1, 100, true}, {1, 99, false}, {2, 100, true}, {2, 60, true}, {2, 0, false}} {
		o, closeAll, err := newObjects(tt.procs)
		if err != nil {
			t.Fatal(err)
		}
		o.Number.Store(tt.left)
		if text, right := numberLost(&o, 100); right != tt.right {
			t.Errorf("%d processes, %s: got %t", tt.procs, text, right)
		}
		closeAll()
	}
}

// A task that fails ends the measurement, even if others wait for it or at the gate.
func TestFailingPrimitive(t *testing.T) {
	if _, _, err := (sharing{Prim: "fails", Procs: 3, Count: 1, Repeat: 1}).measure(t.Context()); !errors.Is(err, errFails) {
		t.Errorf("after the gate: got %v, want %v", err, errFails)
	}
	c, err := newCrew(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	o, closeAll, err := newObjects(2)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	parts := []part{{"nothing", 0, 1, 0, "", c.gate, o}, {"atomic", 1, 1, 0, "", c.gate, o}}
	if _, err := together(t.Context(), c, exercise, parts); err == nil || !strings.Contains(err.Error(), "--prim nothing") {
		t.Errorf("before the gate: got %v", err)
	}
}

func TestSharedMeasurementsEnd(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, _, err := (sharing{Prim: "lock", Procs: 2, Count: 10, Repeat: 1}).measure(ctx); !errors.Is(err, stop) {
		t.Errorf("primitives: got %v, want %v", err, stop)
	}
	for _, framework := range []string{"map", "view", "inplace"} {
		if _, err := (arrays{MB: 1, Framework: framework, Procs: 2, Repeat: 1}).measure(ctx); !errors.Is(err, stop) {
			t.Errorf("arrays by %s: got %v, want %v", framework, err, stop)
		}
	}
}

func TestSharedWriteErrors(t *testing.T) {
	for _, line := range []string{
		"primitives --count 10 --repeat 1", "primitives --count 10 --repeat 1 --json", "primitives --help",
		"arrays --mb 1 --repeat 1", "arrays --mb 1 --repeat 1 --json", "arrays --help",
	} {
		if err := Command.Run(t.Context(), strings.Fields(line), fullDisk{}); !errors.Is(err, errFull) {
			t.Errorf("mrrun bench %s: got %v, want %v", line, err, errFull)
		}
	}
}

// BenchmarkPrimitives measures the cost of one operation of two processes, as mrrun bench
// primitives does.
func BenchmarkPrimitives(b *testing.B) {
	for _, prim := range primitives() {
		if prim.name == "forgetful" || prim.name == "fails" {
			continue
		}
		b.Run(prim.name, func(b *testing.B) {
			f, right, err := sharing{Prim: prim.name, Procs: 2, Count: b.N, Repeat: 1}.measure(b.Context())
			if err != nil || !right {
				b.Fatalf("%s, %v", f.Check, err)
			}
			b.ReportMetric(f.MicrosPerOp*1e3, "ns/op") // without the start of the workers
		})
	}
}
