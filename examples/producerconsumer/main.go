// Command producerconsumer runs three processes that put numbers into a queue and two that take
// them out. The queue holds ten at most, so that producers wait for consumers. Join waits until all
// numbers are dealt with; then Close ends the loops of the consumers.
//
// In Python it is a JoinableQueue(10), and at the end a None for each consumer, which must know
// that it means the end.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/transport"
)

const producers, consumers, each = 3, 2, 1000

type production struct {
	First int
	Queue *transport.Queue[int]
}

// produce returns the sum of the numbers that it put in.
var produce = mapreduce.FuncContext(func(ctx context.Context, p production) (sum int, err error) {
	for n := p.First; n < p.First+each; n++ {
		if err := p.Queue.Put(ctx, n); err != nil {
			return sum, err
		}
		sum += n
	}
	return sum, nil
})

// consume returns the sum of the numbers that it took out.
var consume = mapreduce.FuncContext(func(ctx context.Context, queue *transport.Queue[int]) (sum int, err error) {
	for n, err := range queue.All(ctx) {
		if err != nil {
			return sum, err
		}
		sum += n
		if err := queue.TaskDone(); err != nil {
			return sum, err
		}
	}
	return sum, nil
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		queue, err := transport.NewQueue[int](10)
		if err != nil {
			return err
		}
		defer queue.Free() // a process that still waits gets an error, and ends
		var consuming, producing []*mapreduce.Process[int]
		for range consumers {
			p, err := consume.Start(ctx, queue)
			if err != nil {
				return err
			}
			consuming = append(consuming, p)
		}
		for i := range producers {
			p, err := produce.Start(ctx, production{i * each, queue})
			if err != nil {
				return err
			}
			producing = append(producing, p)
		}

		produced, err := total(producing)
		if err != nil {
			return err
		}
		if err := queue.Join(ctx); err != nil {
			return err
		}
		fmt.Println("all is dealt with; in the queue:", queue.Len())
		if err := queue.Close(); err != nil {
			return err
		}
		consumed, err := total(consuming)
		fmt.Println("produced:", produced, "consumed:", consumed)
		return err
	})
}

// total waits for processes and adds up what they return.
func total(processes []*mapreduce.Process[int]) (sum int, err error) {
	for _, p := range processes {
		n, err := p.Wait()
		if err != nil {
			return sum, err
		}
		sum += n
	}
	return sum, nil
}

// Output:
// all is dealt with; in the queue: 0
// produced: 4498500 consumed: 4498500
