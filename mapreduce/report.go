package mapreduce

import "context"

// Report tells how much of the item is done whose task received ctx: done of total units, whatever
// they are. total 0 means that it is not known. [WorkerStats] has the latest report of each worker.
// A report costs some nanoseconds, whether anybody looks or not, so that a task may report in an
// inner loop. It is safe for concurrent use. Outside of a task, Report does nothing.
func Report(ctx context.Context, done, total int64) {
	if item := currentItem(ctx); item != nil {
		r := item.chunk
		r.process.Note.Report(r.tag, item.index-int(r.first), done, total)
	}
}
