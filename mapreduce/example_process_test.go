package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"mrrun/mapreduce"
)

// patient sleeps for ms milliseconds, or until its context ends.
var patient = mapreduce.FuncContext(func(ctx context.Context, ms int) (string, error) {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return "done", nil
	case <-ctx.Done():
		return "stopped early", nil
	}
})

func ExampleTask_Start() {
	p, err := square.Start(context.Background(), 12, mapreduce.Name("squarer"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name(), "has started")
	fmt.Println(p.Wait())
	fmt.Println(p.ExitCode())
	// Output:
	// squarer has started
	// 144 <nil>
	// 0 true
}

// A process that dies harms no other, and its error says how it died.
func ExampleProcess() {
	p, err := exitAtThree.Start(context.Background(), 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Wait()
	died, ok := errors.AsType[*mapreduce.ExitError](err)
	fmt.Println(ok, died.Code, died.MaxRSS > 0)
	// Output: true 42 true
}

// One process of the group fails, which ends the other.
func ExampleGroup() {
	group, ctx := mapreduce.NewGroup(context.Background())
	group.Add(patient.Start(ctx, 60_000))
	group.Add(initial.Start(ctx, ""))
	err := group.Wait()
	fmt.Println(err)
	fmt.Println(errors.Is(err, errEmpty))
	// Output:
	// item 0 (): no initial: the word is empty
	// true
}

// All processes that still run are terminated, as with Python's active_children.
func ExampleProcesses() {
	for i := range 2 {
		if _, err := patient.Start(context.Background(), 60_000, mapreduce.Name(fmt.Sprint("patient ", i))); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, p := range mapreduce.Processes() {
		_ = p.Terminate() // an error means that it has just ended
		<-p.Done()
		fmt.Println(p.Name(), "has ended")
	}
	fmt.Println(len(mapreduce.Processes()))
	// Output:
	// patient 0 has ended
	// patient 1 has ended
	// 0
}

func ExampleProcess_Kill() {
	p, err := patient.Start(context.Background(), 60_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Alive(), p.Kill())
	_, err = p.Wait()
	died, ok := errors.AsType[*mapreduce.ExitError](err)
	fmt.Println(ok, died.Signal == syscall.SIGKILL, died.Code)
	// Output:
	// true <nil>
	// true true -9
}

// Terminate ends the context of the process's task, which may then tidy up.
func ExampleProcess_Terminate() {
	ready := make(chan struct{})
	p, err := announced.Start(context.Background(), 60_000, mapreduce.Output(func(mapreduce.OutputLine) { close(ready) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	<-ready
	fmt.Println(p.Terminate())
	fmt.Println(p.Wait())
	// Output:
	// <nil>
	// stopped early <nil>
}

var announced = mapreduce.FuncContext(func(ctx context.Context, _ int) (string, error) {
	fmt.Println("I am here")
	<-ctx.Done()
	return "stopped early", nil
})

func ExampleExitError() {
	p, err := exitAtThree.Start(context.Background(), 3, mapreduce.Name("three"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Wait()
	died, _ := errors.AsType[*mapreduce.ExitError](err)
	fmt.Println(died.Name, died.Exit)
	// Output: three exit status 42
}

func ExampleExit() {
	p, err := square.Start(context.Background(), 12)
	if err != nil {
		fmt.Println(err)
		return
	}
	<-p.Done()
	exit, ended := p.Exit()
	fmt.Println(ended, exit, exit.CPU > 0, exit.MaxRSS > 0)
	// Output: true exit status 0 true true
}

func ExampleWaitAny() {
	slow, err1 := patient.Start(context.Background(), 60_000)
	quick, err2 := square.Start(context.Background(), 12)
	if err := errors.Join(err1, err2); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mapreduce.WaitAny[mapreduce.Waiter](context.Background(), slow, quick))

	_ = slow.Kill()
	<-slow.Done()
	fmt.Println(mapreduce.WaitAny[mapreduce.Waiter](context.Background(), slow, quick))
	// Output:
	// [1] <nil>
	// [0 1] <nil>
}

// A daemon ends when the body of Main returns. Main waits for other processes.
func ExampleDaemon() {
	mapreduce.Main(func(ctx context.Context) error {
		_, err := patient.Start(ctx, 3_600_000, mapreduce.Daemon(), mapreduce.Name("clock"))
		return err
	})
}

// With Spares, a process is ready before it is needed; the last Start needs no other.
func ExampleSpares_process() {
	for n := range 3 {
		p, err := square.Start(context.Background(), n, mapreduce.Spares(min(1, 2-n)))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Wait())
	}
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 4 <nil>
}

// A process can be paused, with all that it started.
func ExampleProcess_Suspend() {
	p, err := patient.Start(context.Background(), 60_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Suspend(), p.Resume(), p.Kill())
	<-p.Done()
	// Output: <nil> <nil> <nil>
}

func ExampleStartMethod() {
	_, err := mapreduce.NewPool(context.Background(), mapreduce.StartMethod("fork"))
	fmt.Println(err)
	// Output: mapreduce: StartMethod("fork"): there is no such method; there are exec, spare, command, inprocess
}
