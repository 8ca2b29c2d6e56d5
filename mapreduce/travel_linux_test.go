package mapreduce

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"mrrun/shared"
	"mrrun/transport"
)

func ok[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// A parcel holds everything that processes share, in one argument or message.
type parcel struct {
	Array *shared.Array[int]
	End   *transport.PipeEnd[int]
	Queue *transport.Queue[parcel]
	Value *shared.Value[int]
	Slow  bool
	Dies  string // a file that does not exist the first time
}

// unpack sends the contents of the array through the pipe's end.
var unpack = FuncContext(func(_ context.Context, p parcel) (int, error) {
	if p.Queue != nil {
		var err error
		if p, err = p.Queue.Get(context.Background()); err != nil {
			return 0, err
		}
	}
	if p.Dies != "" {
		if f, err := os.OpenFile(p.Dies, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if p.End == nil {
		return p.Array.At(9), nil
	}
	defer p.End.Close()
	return p.Array.At(9), p.End.Send(p.Array.At(9))
})

// pack makes a parcel and returns it with the other end of its pipe.
func pack(t *testing.T) (parcel, *transport.PipeEnd[int]) {
	t.Helper()
	a := ok(shared.NewArray[int](10))(t)
	a.Set(9, 99)
	here, there, err := transport.Pipe[int]()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close() })
	return parcel{Array: a, End: there}, here
}

// letGo closes what is in a parcel, as its sender would in Python as soon as it has sent it.
func letGo(t *testing.T, p parcel) {
	t.Helper()
	if err := errors.Join(p.Array.Close(), p.End.Close()); err != nil {
		t.Error(err)
	}
}

// gets checks that the unpacked values come out of the other end, and then its end.
func gets(t *testing.T, here *transport.PipeEnd[int]) {
	t.Helper()
	if err := here.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := here.Recv(); n != 99 || err != nil {
		t.Fatalf("received %d, %v", n, err)
	}
	if _, err := here.Recv(); err != io.EOF {
		t.Fatalf("after the receiver has closed its end: %v", err)
	}
}

// What the sender closes as soon as it has sent it still arrives, whichever way it travels, and the
// other end notices when the receiver closes it.
func TestSenderClosesAtOnce(t *testing.T) {
	checkLeaks(t)
	ctx := t.Context()
	pool := newPool(t, Procs(1))
	ways := map[string]func(t *testing.T, p parcel) (wait func() error){
		"process": func(t *testing.T, p parcel) func() error {
			process := ok(unpack.Start(ctx, p))(t)
			return func() error { _, err := process.Wait(); return err }
		},
		"ApplyAsync": func(t *testing.T, p parcel) func() error {
			f := unpack.ApplyAsync(ctx, pool, p)
			return func() error { _, err := f.Get(ctx); return err }
		},
		"MapAsync": func(t *testing.T, p parcel) func() error {
			f := unpack.MapAsync(ctx, pool, []parcel{p})
			return func() error { _, err := f.Get(ctx); return err }
		},
		"queue": func(t *testing.T, p parcel) func() error {
			q := ok(transport.NewQueue[parcel](0))(t)
			if err := q.Put(ctx, p); err != nil {
				t.Fatal(err)
			}
			process := ok(unpack.Start(ctx, parcel{Queue: q}))(t)
			return func() error { _, err := process.Wait(); return errors.Join(err, q.Free()) }
		},
	}
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				p, here := pack(t)
				wait := send(t, p)
				letGo(t, p)
				runtime.GC() // nothing here refers to them now
				gets(t, here)
				if err := wait(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	t.Run("Imap", func(t *testing.T) {
		ends := make([]*transport.PipeEnd[int], 20)
		var in iter.Seq[parcel] = func(yield func(parcel) bool) {
			for i := range ends {
				var p parcel
				if p, ends[i] = pack(t); !yield(p) {
					return
				}
				letGo(t, p)
			}
		}
		n := 0
		for _, err := range unpack.Imap(ctx, pool, in) {
			if err != nil {
				t.Fatal(err)
			}
			gets(t, ends[n])
			n++
		}
	})
	t.Run("retry", func(t *testing.T) {
		p := parcel{Array: ok(shared.NewArray[int](10))(t), Dies: t.TempDir() + "/died"}
		p.Array.Set(9, 99)
		f := unpack.ApplyAsync(ctx, pool, p)
		if err := p.Array.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := f.Get(ctx); n != 99 || err != nil {
			t.Errorf("an item whose first worker was killed returns %d, %v", n, err)
		}
	})
	t.Run("initializer", func(t *testing.T) {
		a := ok(shared.NewArray[int](10))(t)
		a.Set(9, 99)
		pool := newPool(t, Procs(1), MaxTasksPerWorker(1), keptArray.Initializer(a))
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if n, err := lookIntoArray.Apply(ctx, pool, 9); n != 99 || err != nil {
				t.Fatalf("a worker that began later finds %d, %v", n, err)
			}
		}
	})
}

var keptArray = NewState(func(_ context.Context, a *shared.Array[int]) (*shared.Array[int], error) { return a, nil }, nil)

var lookIntoArray = FuncContext(func(ctx context.Context, i int) (int, error) { return keptArray.Get(ctx).At(i), nil })

// If an end was sent to a process that is killed before it has received it, the other end notices.
func TestReceiverIsKilledOnTheWay(t *testing.T) {
	checkLeaks(t)
	for range 50 {
		if killedOnTheWay(t) {
			return
		}
	}
	t.Error("each of the processes had done its work before it was killed")
}

// killedOnTheWay reports whether the process was killed before it was done. The other end must
// notice in either case.
func killedOnTheWay(t *testing.T) bool {
	p, here := pack(t)
	process := ok(unpack.Start(t.Context(), p, silent()))(t)
	_ = process.Kill() // an error means that it has ended
	letGo(t, p)
	if err := here.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := here.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the other end gets %v", err)
		}
	}
	_, err := process.Wait()
	return err != nil
}

// makeParcel makes what its process leaves behind, in its answer, in a queue, or in a pipe.
var makeParcel = FuncContext(func(ctx context.Context, to parcel) (parcel, error) {
	a, err := shared.NewArray[int](10)
	if err != nil {
		return parcel{}, err
	}
	a.Set(9, 99)
	v, err := shared.NewValue(77)
	if err != nil {
		return parcel{}, err
	}
	p := parcel{Array: a, Value: v}
	if to.Queue != nil {
		return parcel{}, to.Queue.Put(ctx, p)
	}
	return p, nil
})

// leaveLocks makes n locks and leaves them behind, unused.
var leaveLocks = FuncContext(func(_ context.Context, n int) (int, error) {
	for range n {
		if _, err := shared.NewLock(); err != nil {
			return 0, err
		}
	}
	return n, nil
})

// What is in an answer or in a queue survives the process that made it, and what processes leave
// behind unused takes no room after their end.
func TestObjectsSurviveTheirMaker(t *testing.T) {
	checkLeaks(t)
	ctx := t.Context()
	q := ok(transport.NewQueue[parcel](0))(t)
	answer := ok(makeParcel.Start(ctx, parcel{}))(t)
	queued := ok(makeParcel.Start(ctx, parcel{Queue: q}))(t)
	<-answer.Done()
	if _, err := queued.Wait(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // so that others would get their memory
		if _, err := ok(leaveLocks.Start(ctx, 1000))(t).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	parcels := []parcel{ok(answer.Wait())(t), ok(q.Get(ctx))(t)}
	for i, p := range parcels {
		if n, v := p.Array.At(9), p.Value.Load(); n != 99 || v != 77 {
			t.Errorf("parcel %d has %d and %d", i, n, v)
		}
		if err := errors.Join(p.Array.Close(), p.Value.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := q.Free(); err != nil {
		t.Error(err)
	}
	if _, err := ok(leaveLocks.Start(ctx, 1000))(t).Wait(); err != nil {
		t.Fatal(err)
	}
	units := map[string]bool{}
	for range 20 {
		process := ok(makeParcel.Start(ctx, parcel{}))(t)
		p := ok(process.Wait())(t)
		units[p.Value.String()] = true
		if err := errors.Join(p.Array.Close(), p.Value.Close()); err != nil {
			t.Error(err)
		}
		_, _ = process.Exit() // then the objects' places are free again
	}
	if len(units) > 2 {
		t.Errorf("values of 20 processes, of which one was there at a time, are in %d places: %v", len(units), slices.Collect(maps.Keys(units)))
	}
}
