package bench

import (
	"context"
	"fmt"
	"strings"

	"mrrun/jobs"
)

// A primitive is one thing that processes do with shared objects.
type primitive struct {
	name    string
	pair    bool // two processes take turns, and an operation is one turn of each; else any number
	joint   bool // an operation takes all processes; else each counts its own
	size    int  // default bytes of a message; 0: messages are numbers, or there are none
	sends   bool // it has messages
	piles   bool // there must be room for all messages at once
	managed bool // it uses objects on a manager

	// work is what each process does n times; me is the number of the process, from 0.
	work func(ctx context.Context, o *objects, me, n int) error

	// check describes what is left after times operations of all processes, and reports whether
	// that is right.
	check func(o *objects, times int64) (string, bool)
}

// primitives makes the list, which only few processes need. Tests add to it.
var primitives = func() []primitive {
	return []primitive{
		{name: "lock", work: incrementLocked, check: plainIs},
		{name: "rlock", work: incrementRLocked, check: plainIs},
		{name: "value-lock", work: incrementValueLocked, check: numberIs},
		{name: "unlocked", work: incrementUnlocked, check: numberLost},
		{name: "atomic", work: incrementAtomic, check: numberIs},
		{name: "event", pair: true, work: takeEventTurns, check: func(o *objects, _ int64) (string, bool) {
			return says("token", o.Event0.IsSet(), true)
		}},
		{name: "semaphore", work: acquireAndRelease, check: func(o *objects, _ int64) (string, bool) {
			return says("value", o.Permits.Value(), o.Barrier.Parties())
		}},
		{name: "semaphore-pingpong", pair: true, work: takeTokenTurns, check: func(o *objects, _ int64) (string, bool) {
			return says("token", o.Token0.Value(), 1)
		}},
		{name: "barrier", joint: true, work: cross, check: func(o *objects, _ int64) (string, bool) {
			return says("whole", !o.Barrier.Broken(), true)
		}},
		{name: "condition", pair: true, work: takeCondTurns, check: func(o *objects, _ int64) (string, bool) {
			return says("turn", o.Number.Load(), 0)
		}},
		{name: "queue", pair: true, sends: true, work: putOrGet, check: empty},
		{name: "simplequeue", pair: true, sends: true, work: putOrGet, check: empty},
		{name: "joinable", pair: true, sends: true, work: putOrFinish, check: finished},
		{name: "queue-put-only", pair: true, sends: true, piles: true, work: putOnly, check: drained},
		{name: "pipe", pair: true, sends: true, size: 16, work: sendOrReceive, check: nothingLeft},
		{name: "pingpong", pair: true, sends: true, size: 16, work: pingOrPong, check: func(*objects, int64) (string, bool) {
			return "ok", true // each message was compared
		}},
		{name: "manager-dict", managed: true, work: useDict, check: keysAre(1)},
		{name: "manager-dict-pipelined", managed: true, work: useDictPipelined, check: keysAre(pipeline)},
		{name: "manager-list", managed: true, work: useList, check: elementsAre},
		{name: "manager-value", managed: true, work: useManagedValue, check: managedValueIs},
		{name: "manager-event", managed: true, pair: true, work: takeManagedEventTurns, check: managedEventIs},
		{name: "manager-queue", managed: true, pair: true, sends: true, work: putOrGetManaged, check: managedEmpty},
	}
}

func lookupPrimitive(name string) (primitive, error) {
	var names []string
	for _, p := range primitives() {
		if p.name == name {
			return p, nil
		}
		names = append(names, p.name)
	}
	return primitive{}, jobs.Usagef("--prim %s: it takes %s (see mrrun bench --help)", name, strings.Join(names, ", "))
}

// says is a check in the words of the scripts, which are written in Python.
func says[T comparable](what string, got, want T) (string, bool) {
	text := fmt.Sprint(got)
	switch text {
	case "true":
		text = "True"
	case "false":
		text = "False"
	}
	return what + "=" + text, got == want
}

func plainIs(o *objects, times int64) (string, bool) {
	return says("exact", o.Plain.At(0) == times, true)
}
func numberIs(o *objects, times int64) (string, bool) {
	return says("exact", o.Number.Load() == times, true)
}

// numberLost says how many increments were overwritten by other processes; a single process loses
// none.
func numberLost(o *objects, times int64) (string, bool) {
	lost := times - o.Number.Load()
	return fmt.Sprintf("lost=%d", lost), 0 <= lost && lost < times && (lost == 0 || o.Barrier.Parties() > 1)
}

func incrementLocked(ctx context.Context, o *objects, _, n int) error {
	for range n {
		if err := o.Lock.Lock(ctx); err != nil {
			return err
		}
		o.Plain.Set(0, o.Plain.At(0)+1)
		o.Lock.Unlock()
	}
	return nil
}

func incrementRLocked(ctx context.Context, o *objects, _, n int) error {
	for range n {
		if err := o.RLock.Lock(ctx); err != nil {
			return err
		}
		o.Plain.Set(0, o.Plain.At(0)+1)
		if err := o.RLock.Unlock(ctx); err != nil {
			return err
		}
	}
	return nil
}

func incrementValueLocked(ctx context.Context, o *objects, _, n int) error {
	for range n {
		if err := o.Number.Lock().Lock(ctx); err != nil {
			return err
		}
		o.Number.Store(o.Number.Load() + 1)
		o.Number.Lock().Unlock()
	}
	return nil
}

func incrementUnlocked(_ context.Context, o *objects, _, n int) error {
	for range n {
		o.Number.Store(o.Number.Load() + 1)
	}
	return nil
}

func incrementAtomic(_ context.Context, o *objects, _, n int) error {
	for range n {
		o.Number.Add(1)
	}
	return nil
}

func takeEventTurns(ctx context.Context, o *objects, me, n int) error {
	mine, other := o.Event0, o.Event1
	if me == 1 {
		mine, other = other, mine
	}
	for range n {
		if err := mine.Wait(ctx); err != nil {
			return err
		}
		mine.Clear()
		other.Set()
	}
	return nil
}

func acquireAndRelease(ctx context.Context, o *objects, _, n int) error {
	for range n {
		if err := o.Permits.Acquire(ctx); err != nil {
			return err
		}
		if err := o.Permits.Release(); err != nil {
			return err
		}
	}
	return nil
}

func takeTokenTurns(ctx context.Context, o *objects, me, n int) error {
	mine, other := o.Token0, o.Token1
	if me == 1 {
		mine, other = other, mine
	}
	for range n {
		if err := mine.Acquire(ctx); err != nil {
			return err
		}
		if err := other.Release(); err != nil {
			return err
		}
	}
	return nil
}

func cross(ctx context.Context, o *objects, _, n int) error {
	for range n {
		if _, err := o.Barrier.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func takeCondTurns(ctx context.Context, o *objects, me, n int) error {
	for range n {
		if err := o.Cond.Lock().Lock(ctx); err != nil {
			return err
		}
		if err := o.Cond.WaitFor(ctx, func() bool { return o.Number.Load() == int64(me) }); err != nil {
			return err
		}
		o.Number.Store(int64(1 - me))
		o.Cond.Notify(1)
		o.Cond.Lock().Unlock()
	}
	return nil
}
