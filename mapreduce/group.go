package mapreduce

import (
	"context"
	"errors"
	"sync"
)

// A Group is several processes, or futures, that work together, such as the ends of a queue: if one
// of them fails, the others end. It is made by [NewGroup]. Its methods are safe for concurrent use.
type Group struct {
	cancel  context.CancelCauseFunc
	waiting sync.WaitGroup

	mu   sync.Mutex
	errs []error // without those that an earlier one caused
}

// NewGroup returns a group and its context, with which the caller must start its processes. The
// context ends when ctx ends, when the first process fails, with that error as its cause, or when
// [Group.Wait] returns.
func NewGroup(ctx context.Context) (*Group, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{cancel: cancel}, ctx
}

// Add adds what [Task.Start] returned: group.Add(task.Start(ctx, arg)). A non-nil err is a failure
// of the group, as is an error of the process. Add does not block. It must not be called after Wait
// has returned.
func (g *Group) Add(p Pending, err error) {
	if err != nil {
		g.fail(err)
		return
	}
	g.waiting.Go(func() {
		<-p.Done()
		if err := p.Err(); err != nil {
			g.fail(err)
		}
	})
}

func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// A known error is the cause for which this process was ended.
	if !errors.Is(errors.Join(g.errs...), err) {
		g.errs = append(g.errs, err)
	}
	g.cancel(err)
}

// Wait waits until all have ended, and returns their errors, joined, in the order in which they
// failed. Processes that ended because another one had failed, or because the context given to
// [NewGroup] had ended, add nothing to the error.
func (g *Group) Wait() error {
	g.waiting.Wait()
	g.cancel(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.errs...)
}
