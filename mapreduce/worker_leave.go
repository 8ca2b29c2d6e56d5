package mapreduce

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"mrrun/transport"
)

// A stateExit is the exit function of a state.
type stateExit struct {
	state string
	run   func() error
}

// leave ends what tasks have begun: it waits for the processes that they have started, then for programs, whose input ends,
// and runs the exit functions of the states, the last made first. It may take any time; the driver has a limit.
func (s *server) leave() (status int) {
	s.leaveWith("its work")
	if s.host == nil { // else they are the program's
		s.leaveWithAll("the processes that its tasks have started", childNames())
		_ = endChildren(context.Background())
	}
	ctx, cancel := s.leaveContext()
	defer cancel()
	s.leaveWithAll("its programs", s.filterNames())
	s.endFilters(ctx)
	for i := len(s.exits) - 1; i >= 0; i-- {
		s.leaveWith("the exit function of " + s.exits[i].state)
		if err := s.exits[i].run(); err != nil {
			fmt.Fprintf(os.Stderr, "exit function of worker %d: %v\n", s.worker.ID, err)
			status = 1
		}
	}
	return status
}

// leaveContext ends when the worker, if it is a goroutine, must have left; a process is killed then.
func (s *server) leaveContext() (context.Context, context.CancelFunc) {
	if s.host == nil {
		return context.WithCancel(context.Background())
	}
	if limit := s.host.options.exitLimit(); limit > 0 {
		return context.WithTimeout(s.host.life, limit)
	}
	return context.WithCancel(s.host.life)
}

// leaveWith tells the driver what the worker does last, for the error if it does not come to an end.
func (s *server) leaveWith(what string) {
	_, err := s.out.Add(kindLeaving, 0, func(out *transport.Encoder) error {
		_, err := io.WriteString(out, what)
		return err
	})
	if err == nil {
		s.send()
	}
}

func (s *server) leaveWithAll(what string, names []string) {
	if len(names) > 0 {
		s.leaveWith(what + ": " + strings.Join(names, ", "))
	}
}

func (s *server) filterNames() (names []string) {
	for c := range s.filters {
		names = append(names, c.name)
	}
	return names
}

// endFilters ends the programs, and kills those that have not ended when ctx does.
func (s *server) endFilters(ctx context.Context) {
	for _, f := range s.filters {
		_ = f.in.Close() // all of them end at the same time
	}
	for c, f := range s.filters {
		_ = f.end(ctx)
		delete(s.filters, c)
	}
}

// endFiltersSoon is for a worker that is a goroutine and must end; what a process leaves is killed with it.
func (s *server) endFiltersSoon() {
	ctx, cancel := context.WithTimeout(context.Background(), KillGrace)
	defer cancel()
	s.endFilters(ctx)
}
