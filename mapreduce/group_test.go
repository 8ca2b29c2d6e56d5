//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// joined returns the errors that a group's error joins.
func joined(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	return nil
}

// addCling adds a process to the group and returns it when its task is running.
func addCling(t *testing.T, g *Group, ctx context.Context, how string) *Process[string] {
	t.Helper()
	file := filepath.Join(t.TempDir(), "runs")
	p, err := clingTask.Start(ctx, how+" "+file, silent())
	g.Add(p, err)
	if err != nil {
		t.Fatal(err)
	}
	awaitFile(t, file)
	return p
}

// When a process of a group is killed, the others end, whether or not they heed their context.
func TestGroupEndsWithTheFirstFailure(t *testing.T) {
	checkLeaks(t)
	g, ctx := NewGroup(t.Context())
	heeds, stubborn, victim := addCling(t, g, ctx, "heeds"), addCling(t, g, ctx, "clings"), addCling(t, g, ctx, "clings")
	if err := syscall.Kill(victim.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := g.Wait()
	died, ok := errors.AsType[*ExitError](err)
	if all := joined(err); !ok || len(all) != 1 || died.PID != victim.PID() || died.Signal != syscall.SIGKILL {
		t.Errorf("the group's error is %v, want that of the process that was killed", err)
	}
	if context.Cause(ctx) != died {
		t.Errorf("the cause of its context is %v", context.Cause(ctx))
	}
	if heeds.Alive() || stubborn.Alive() {
		t.Error("Wait has returned, and processes are alive")
	}
}

// Wait returns all failures that are independent of each other.
func TestGroupTellsAllFailures(t *testing.T) {
	checkLeaks(t)
	g, _ := NewGroup(t.Context())
	for range 2 { // their context is not the group's, whose end does not end them
		p := addCling(t, g, t.Context(), "clings")
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	own := errors.New("a goroutine's")
	g.Add(Go(t.Context(), func(context.Context) (int, error) { return 0, own }), nil)
	ended, cancel := context.WithCancelCause(t.Context())
	notStarted := errors.New("not started")
	cancel(notStarted)
	g.Add(clingTask.Start(ended, ""))
	err := g.Wait()
	if len(joined(err)) != 4 || !errors.Is(err, own) || !errors.Is(err, notStarted) {
		t.Errorf("%d errors: %v", len(joined(err)), err)
	}
}

func TestGroupWithoutFailure(t *testing.T) {
	checkLeaks(t)
	g, ctx := NewGroup(t.Context())
	for n := range 3 {
		g.Add(echo.Start(ctx, n))
	}
	if err := g.Wait(); err != nil || context.Cause(ctx) != context.Canceled {
		t.Errorf("error %v, the context has ended with %v", err, context.Cause(ctx))
	}
	enough := errors.New("enough")
	parent, cancel := context.WithCancelCause(t.Context())
	g, ctx = NewGroup(parent)
	addCling(t, g, ctx, "heeds")
	addCling(t, g, ctx, "clings")
	cancel(enough)
	if err := g.Wait(); len(joined(err)) != 1 || !errors.Is(err, enough) {
		t.Errorf("after the end of its parent's context: %v", err)
	}
}
