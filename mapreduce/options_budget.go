package mapreduce

import "fmt"

// MemoryBudget sets how many bytes of memory a job may use: the driver, its workers and what they
// store together, where memory that several of them share counts once. What does not fit goes to
// files without a name in [os.TempDir], of which nothing is left however the processes end. That
// directory must be on a disk. 0, the default, sets no bound and uses memory only.
//
// What the job's own methods take counts, and nothing can be done about it: of a budget below 64
// MiB, a pool of two workers takes most for itself. The keys of a 256th of the results must fit in
// each worker's part of it. A key with a value that is too large for the budget is an error.
func MemoryBudget(bytes int64) Option {
	return bothFunc(func(o *callOptions) error {
		if bytes < 0 {
			return fmt.Errorf("mapreduce: MemoryBudget(%d): takes a number of bytes, or 0 for no bound", bytes)
		}
		o.budget = bytes
		return nil
	})
}
