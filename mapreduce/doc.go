// Package mapreduce runs functions in worker processes, as easily as in goroutines: processes that can be killed, limited and
// replaced, and that take nothing with them when they die.
//
// A function is registered as a [Task] in a package variable, and the body of main goes into [Main]:
//
//	var square = mapreduce.Func(func(n int) int { return n * n }, mapreduce.TaskName("square"))
//
//	func main() {
//		mapreduce.Main(func(ctx context.Context) error {
//			pool, err := mapreduce.NewPool(ctx)
//			if err != nil {
//				return err
//			}
//			defer pool.Terminate() // after an early return; after Close it does nothing
//			out, err := square.Map(ctx, pool, []int{1, 2, 3})
//			if err != nil {
//				return err
//			}
//			fmt.Println(out)
//			return pool.Close()
//		})
//	}
//
// A worker is the same program, started again. There, Main runs what the driver, the process that has the [Pool], asks for,
// and never enters its body. What a task needs is its argument, or a [State] that each worker makes once; what the driver
// sets at run time, as a global variable, stays in the driver.
//
// # Verbs
//
// [Task.Map], [Task.Apply], [Task.Imap] and [Task.ImapUnordered] compute items in the workers of a pool, and [Fold] takes the
// results in. The Async ones return a [Future]. [Task.Start] starts a [Process] of its own for one item. A [Job] maps pieces
// of input to pairs and reduces them by key. A [Command] is a task that is any program.
//
// # What can travel
//
// Arguments and results are copied. Their types are looked at when the task is registered, and what would be lost is refused
// with the line: see [transport.CheckType]. So are types that contain themselves, as trees and lists: send a slice of nodes
// that refer to each other by index. Locks, arrays and queues travel as what they are: see packages shared and transport.
//
// # When something goes wrong
//
// An item that fails is a [TaskError]. Only the death of a worker has its item run again: see [Retries] and
// [WorkerLostError]. [Timeout] and [MemoryLimit] have an item that exceeds them fail alone. errors.Is and errors.As find in an
// item's error what they would find in the worker, for what both sides know: see [RegisterError].
package mapreduce
