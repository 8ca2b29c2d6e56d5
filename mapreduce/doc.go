// Package mapreduce runs functions in worker processes, as easily as in goroutines: processes that
// can be killed, limited and replaced, and that take nothing with them when they die.
//
// A function is registered as a [Task] in a package variable, and the body of main goes into
// [Main]:
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
// A worker is the same program, started again. There, Main runs what the driver, the process with
// the [Pool], asks for, and never enters its body. A task gets what it needs from its argument, or
// from a [State] that each worker makes once; what the driver sets at run time, such as a global
// variable, stays in the driver.
//
// # Verbs
//
// [Task.Map], [Task.Apply], [Task.Imap] and [Task.ImapUnordered] compute items in the workers of a
// pool, and [Fold] combines the results. The Async verbs return a [Future]. [Task.Start] starts a
// separate [Process] for one item. A [Job] maps pieces of input to pairs and reduces them by key. A
// [Command] is a task that any program computes.
//
// # What can travel
//
// Arguments and results are copied. Registration checks their types, and refuses types whose values
// would lose something, with the line to mend: see [transport.CheckType]. It also refuses types
// that contain themselves, such as trees and lists: send a slice of nodes that refer to each other
// by index. Locks, arrays and queues stay shared when they travel: see packages shared and
// transport.
//
// # When something goes wrong
//
// An item that fails is a [TaskError]. Only the death of a worker causes its item to run again: see
// [Retries] and [WorkerLostError]. An item that exceeds its [Timeout] or [MemoryLimit] fails alone.
// errors.Is and errors.As find in an item's error what they would find in the worker, if both sides
// know it: see [RegisterError].
package mapreduce
