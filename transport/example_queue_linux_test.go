package transport_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"mrrun/transport"
)

// Some put jobs in, others take them out. Here all are goroutines, but processes can do the same.
func ExampleQueue() {
	ctx := context.Background()
	jobs, err := transport.NewQueue[string](10)
	if err != nil {
		panic(err)
	}
	defer jobs.Free()

	go func() {
		for _, job := range []string{"wash", "rinse", "dry"} {
			if err := jobs.Put(ctx, job); err != nil {
				panic(err)
			}
		}
		jobs.Close()
	}()
	for job, err := range jobs.All(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(job)
	}
	// Output:
	// wash
	// rinse
	// dry
}

// Join waits until everything that was put in is dealt with, not only taken out.
func ExampleQueue_Join() {
	ctx := context.Background()
	numbers, err := transport.NewQueue[int](0)
	if err != nil {
		panic(err)
	}
	defer numbers.Free()

	sum := 0
	var worker sync.WaitGroup
	worker.Go(func() {
		for n, err := range numbers.All(ctx) {
			if err != nil {
				panic(err)
			}
			sum += n
			numbers.TaskDone()
		}
	})
	for n := range 5 {
		numbers.Put(ctx, n)
	}
	if err := numbers.Join(ctx); err != nil {
		panic(err)
	}
	fmt.Println(sum)
	numbers.Close()
	worker.Wait()
	// Output: 10
}

// Two ends talk to each other. The other end could also be the argument of a task.
func ExamplePipe() {
	here, there, err := transport.Pipe[string]()
	if err != nil {
		panic(err)
	}
	defer here.Close()

	go func() {
		defer there.Close()
		for {
			s, err := there.Recv()
			if err == io.EOF {
				return
			}
			there.Send("you said " + s)
		}
	}()
	here.Send("hello")
	if ready, err := here.Poll(10 * time.Second); !ready {
		panic(err)
	}
	fmt.Println(here.Recv())
	// Output: you said hello <nil>
}

// A one-way pipe ends when its writer is closed or killed.
func ExampleOneWayPipe() {
	reader, writer, err := transport.OneWayPipe[int]()
	if err != nil {
		panic(err)
	}
	defer reader.Close()
	writer.Send(1)
	writer.Close()
	fmt.Println(reader.Recv())
	fmt.Println(reader.Recv())
	// Output:
	// 1 <nil>
	// 0 EOF
}

// Wait for the first of two pipes that has something.
func ExampleArrival() {
	here, there, err := transport.Pipe[string]()
	if err != nil {
		panic(err)
	}
	quiet, other, err := transport.Pipe[string]()
	if err != nil {
		panic(err)
	}
	defer func() {
		for _, end := range []*transport.PipeEnd[string]{here, there, quiet, other} {
			end.Close()
		}
	}()
	there.Send("hello")
	select {
	case <-here.Arrival().Done():
		fmt.Println(here.Recv())
	case <-quiet.Arrival().Done():
		fmt.Println(quiet.Recv())
	}
	// Output: hello <nil>
}

func ExampleQueueBytes() {
	// Room for messages of up to 64 MiB.
	pictures, err := transport.NewQueue[[]byte](0, transport.QueueBytes(64<<20))
	if err != nil {
		panic(err)
	}
	defer pictures.Free()
	fmt.Println(pictures.Len(), "pictures")
	// Output: 0 pictures
}
