//go:build linux

package mapreduce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// An ordeal is an item that waits for the end of its context, and reports it.
type ordeal struct {
	Dir    string
	Within bool // whether it runs in a pool of its worker
}

// A contextEnd is what the item observed.
type contextEnd struct {
	Deadline   time.Time
	Err, Child string // of its context, and of one that is derived from it
	Cause      string
	Known      []string // the errors that errors.Is finds in the cause
	Itself     bool     // the cause is an error of package context itself, and does not wrap one
}

var (
	errQuota   = errors.New("the quota is used up")
	ordealTask *Task[ordeal, int]
)

func init() {
	RegisterError(errQuota)
	ordealTask = FuncContext(undergo)
}

func undergo(ctx context.Context, o ordeal) (int, error) {
	if o.Within {
		p, err := NewPool(context.Background(), Procs(1))
		if err != nil {
			return 0, err
		}
		defer p.Close()
		return ordealTask.Apply(ctx, p, ordeal{Dir: o.Dir})
	}
	child, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := os.WriteFile(filepath.Join(o.Dir, "runs"), nil, 0o600); err != nil {
		return 0, err
	}
	<-child.Done()
	<-ctx.Done()
	cause := context.Cause(ctx)
	seen := contextEnd{Err: ctx.Err().Error(), Child: child.Err().Error(), Cause: cause.Error()}
	seen.Deadline, _ = ctx.Deadline()
	seen.Itself = cause == context.Canceled || cause == context.DeadlineExceeded
	for _, known := range []error{errQuota, context.Canceled, context.DeadlineExceeded, ErrTimeout, ErrCanceled} {
		if errors.Is(cause, known) && errors.Is(context.Cause(child), known) {
			seen.Known = append(seen.Known, known.Error())
		}
	}
	text, err := json.Marshal(seen)
	if err == nil {
		err = os.WriteFile(filepath.Join(o.Dir, "new"), text, 0o600)
	}
	if err == nil {
		err = os.Rename(filepath.Join(o.Dir, "new"), filepath.Join(o.Dir, "ended"))
	}
	return 0, errors.Join(err, ctx.Err())
}

// endSeen returns what the item observed. ok is false if it had not begun, or was killed before it
// could report.
func endSeen(dir string) (seen contextEnd, ok bool) {
	for began := time.Now(); time.Since(began) < slack; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(dir, "ended"))
		if err == nil && json.Unmarshal(text, &seen) == nil {
			return seen, true
		}
		if _, err := os.Stat(filepath.Join(dir, "runs")); err != nil {
			return seen, false
		}
	}
	return seen, false
}

// Each of these runs an ordeal and returns after ctx has ended.
var ordealVerbs = map[string]func(ctx context.Context, p *Pool, o ordeal){
	"Apply": func(ctx context.Context, p *Pool, o ordeal) { _, _ = ordealTask.Apply(ctx, p, o) },
	"Map":   func(ctx context.Context, p *Pool, o ordeal) { _, _ = ordealTask.Map(ctx, p, []ordeal{o}) },
	"ApplyAsync": func(ctx context.Context, p *Pool, o ordeal) {
		<-ordealTask.ApplyAsync(ctx, p, o).Done()
	},
	"Imap": func(ctx context.Context, p *Pool, o ordeal) {
		for range ordealTask.Imap(ctx, p, slices.Values([]ordeal{o})) {
		}
	},
	"in process": func(ctx context.Context, _ *Pool, o ordeal) {
		if p, err := NewPool(context.Background(), Procs(1), InProcess()); err == nil {
			defer p.Close()
			_, _ = ordealTask.Apply(ctx, p, o)
		}
	},
	"nested": func(ctx context.Context, p *Pool, o ordeal) { _, _ = ordealTask.Apply(ctx, p, ordeal{o.Dir, true}) },
	"Timeout": func(ctx context.Context, p *Pool, o ordeal) {
		_, _ = ordealTask.Apply(ctx, p, o, Timeout(2*time.Hour))
	},
	"Start": func(ctx context.Context, _ *Pool, o ordeal) {
		if process, err := ordealTask.Start(ctx, o, silent()); err == nil {
			<-process.Done()
		}
	},
}

// A task sees the deadline of its call's context, and how and why that ends.
func TestTaskSeesEndOfContext(t *testing.T) {
	checkLeaks(t)
	p := newPool(t)
	canceled, exceeded := context.Canceled.Error(), context.DeadlineExceeded.Error()
	for name, test := range map[string]struct {
		cancel error // before the deadline; nil: the deadline is what ends it
		cause  error // of the deadline; nil: the usual
		want   contextEnd
	}{
		"deadline":             {nil, nil, contextEnd{Err: exceeded, Cause: exceeded, Known: []string{exceeded}, Itself: true}},
		"deadline of a cause":  {nil, errors.New("enough"), contextEnd{Err: exceeded, Cause: "enough"}},
		"canceled":             {context.Canceled, nil, contextEnd{Err: canceled, Cause: canceled, Known: []string{canceled}, Itself: true}},
		"canceled for a cause": {fmt.Errorf("tenant 7: %w", errQuota), nil, contextEnd{Err: canceled, Cause: "tenant 7: the quota is used up", Known: []string{errQuota.Error()}}},
	} {
		for how, verb := range ordealVerbs {
			t.Run(name+"/"+how, func(t *testing.T) {
				var seen contextEnd
				var at time.Time
				ok := false
				for limit := 60 * time.Millisecond; !ok && limit < hangTime; limit *= 2 { // until it begins in time
					at = time.Now().Add(limit)
					if test.cancel != nil {
						at = at.Add(time.Hour)
					}
					base, cancel := context.WithCancelCause(t.Context())
					ctx, release := context.WithDeadlineCause(base, at, test.cause)
					if test.cancel != nil {
						time.AfterFunc(limit, func() { cancel(test.cancel) })
					}
					dir := t.TempDir()
					verb(ctx, p, ordeal{Dir: dir})
					seen, ok = endSeen(dir)
					release()
					cancel(nil)
				}
				if !seen.Deadline.Equal(at) {
					t.Errorf("deadline %v, want %v", seen.Deadline, at)
				}
				test.want.Deadline, test.want.Child = seen.Deadline, test.want.Err
				if got, want := fmt.Sprintf("%+v", seen), fmt.Sprintf("%+v", test.want); !ok || got != want {
					t.Errorf("it has seen %s, want %s", got, want)
				}
			})
		}
	}
}

// Other ways to cancel a call give a cause too; without a deadline there is none.
func TestTaskSeesWhoCanceled(t *testing.T) {
	checkLeaks(t)
	p := newPool(t)
	for name, test := range map[string]struct {
		begin func(o ordeal) (cancel func())
		known error
	}{
		"Cancel": {func(o ordeal) func() { return ordealTask.ApplyAsync(t.Context(), p, o).Cancel }, ErrCanceled},
		"Timeout": {func(o ordeal) func() {
			ordealTask.ApplyAsync(t.Context(), p, o, Timeout(300*time.Millisecond))
			return func() {}
		}, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cancel := test.begin(ordeal{Dir: dir})
			awaitFile(t, filepath.Join(dir, "runs"))
			cancel()
			seen, ok := endSeen(dir)
			if !ok || !slices.Contains(seen.Known, test.known.Error()) || seen.Deadline.IsZero() != (name == "Cancel") {
				t.Errorf("it has seen %+v", seen)
			}
		})
	}
}
