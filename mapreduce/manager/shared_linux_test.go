package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mrrun/internal/shm"
	"mrrun/mapreduce"
	"mrrun/shared"
)

// A bequest is where a process leaves what it has made.
type bequest struct {
	Dict  *Dict[string, *shared.Value[int]]
	List  *List[*shared.Array[int]]
	Queue *Queue[*shared.Lock]
	Value *Value[*shared.Value[int]]
}

var bequeathTask = mapreduce.FuncContext(bequeath)

// bequeath makes shared objects, puts them into objects of a manager, and closes its array as soon
// as it is sent.
func bequeath(ctx context.Context, b bequest) (struct{}, error) {
	seven, err := shared.NewValue(7)
	array, err2 := shared.ArrayOf([]int{1, 2, 3})
	lock, err3 := shared.NewLock()
	eight, err4 := shared.NewValue(8)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, errors.Join(
		b.Dict.Set(ctx, "seven", seven), b.List.Append(ctx, array), b.Queue.Put(ctx, lock), b.Value.Store(ctx, eight), array.Close())
}

func sharedObjects(t *testing.T) (n int) {
	p := must1(shm.Self())
	for kind := range 16 {
		for range p.Table().Objects(shm.Kind(kind)) {
			n++
		}
	}
	return n
}

// TestManagerKeepsSharedObjects starts a process that leaves shared objects to a manager, and ends.
// They exist for all that get them, as often as they do, and are freed when the manager no longer
// has them.
func TestManagerKeepsSharedObjects(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	before := sharedObjects(t)
	b := bequest{must1(NewDict[string, *shared.Value[int]](ctx, m)), must1(NewList(ctx, m, []*shared.Array[int]{})),
		must1(NewQueue[*shared.Lock](ctx, m, 1)), must1(NewValue[*shared.Value[int]](ctx, m, nil))}
	_, err := must1(bequeathTask.Start(ctx, b)).Wait()
	check(t, err)

	for range 2 {
		seven, found, err := b.Dict.Get(ctx, "seven")
		check(t, err)
		equal(t, "found", found, true)
		equal(t, "seven", seven.Load(), 7)
		check(t, seven.Close())
		array := must1(b.List.Get(ctx, 0))
		equal(t, "array", fmt.Sprint(array.Slice()), "[1 2 3]")
		check(t, array.Close())
		eight := must1(b.Value.Load(ctx))
		equal(t, "eight", eight.Load(), 8)
		check(t, eight.Close())
	}
	lock := must1(b.Queue.Get(ctx))
	check(t, lock.Do(ctx, func() error { return nil }))
	check(t, lock.Close())
	awaitObjects(t, "what the manager keeps", before+3) // when the process was reaped

	popped, _, err := b.Dict.Pop(ctx, "seven")
	check(t, err)
	equal(t, "popped", popped.Load(), 7)
	check(t, popped.Close())
	must1(b.List.Pop(ctx, 0)).Close()
	check(t, b.Value.Store(ctx, nil))
	awaitObjects(t, "objects that nobody has", before)
}

// awaitObjects waits until there are no more than n shared objects.
func awaitObjects(t *testing.T, what string, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); sharedObjects(t) > n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d too many", what, sharedObjects(t)-n)
		}
	}
	equal(t, what, sharedObjects(t), n)
}

// padded has a shared object, and text that makes it too large for some clients.
type padded struct {
	Value *shared.Value[int]
	Text  string
}

type paddedBequest struct {
	Dict *Dict[string, padded]
	List *List[padded]
}

var bequeathPadded = mapreduce.FuncContext(func(ctx context.Context, b paddedBequest) (struct{}, error) {
	value, err := shared.NewValue(7)
	large := padded{value, strings.Repeat("x", 1<<16)}
	return struct{}{}, errors.Join(err, b.Dict.Set(ctx, "seven", large), b.List.Append(ctx, large))
})

// An answer that its client does not take is not under way: it keeps no shared object.
func TestRefusedAnswersKeepNoSharedObjects(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	before := sharedObjects(t)
	dict := must1(NewDict[string, padded](ctx, m, Named("dict")))
	list := must1(NewList(ctx, m, []padded{}, Named("list")))
	_, err := must1(bequeathPadded.Start(ctx, paddedBequest{dict, list})).Wait()
	check(t, err)

	const limit = 1 << 12
	c := must1(Dial(ctx, m.Address(), MaxMessage(limit)))
	defer c.Close()
	d, l := must1(NewDict[string, padded](ctx, c, Named("dict"))), must1(NewList[padded](ctx, c, nil, Named("list")))
	_, _, err = d.Get(ctx, "seven")
	tooLarge(t, "Get of a dict", err, limit)
	_, err = d.Items(ctx)
	tooLarge(t, "Items", err, limit)
	_, err = l.Get(ctx, 0)
	tooLarge(t, "Get of a list", err, limit)
	_, err = l.All(ctx)
	tooLarge(t, "All", err, limit)
	awaitObjects(t, "what the manager keeps", before+1) // when the process was reaped
	_, err = dict.Delete(ctx, "seven")
	check(t, err)
	check(t, list.Set(ctx, 0, padded{}))
	awaitObjects(t, "objects that nobody has", before)
}
