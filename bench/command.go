package bench

import (
	"context"
	"io"
	"slices"
	"strings"

	"mrrun/jobs"
)

// Command is the bench tool of mrrun.
var Command = jobs.Tool{
	Name:     "bench",
	Summary:  "Measure a job with 1, 2, ... processes, or what a task or a pool costs.",
	Run:      run,
	Complete: complete,
}

// measures are what can be measured besides jobs.
var measures = []string{"overhead", "startup", "metg", "workers", "primitives", "arrays"}

func complete(words []string) []jobs.Completion {
	if len(words) == 1 {
		return jobs.CompleteNames(words[0], append(jobs.Names(), measures...)...)
	}
	if slices.Contains(measures, words[0]) {
		return completeFlag(words[0], words[len(words)-1])
	}
	c, err := jobs.Lookup(words[0])
	if err != nil {
		return nil
	}
	var o jobFlags
	return c.Complete(words[1:], o.bind)
}

// completeFlag completes a flag of a measure, as the help names them.
func completeFlag(measure, word string) (all []jobs.Completion) {
	name, dashed := strings.CutPrefix(word, "-")
	if !dashed {
		return nil
	}
	dashes := "-"
	if strings.HasPrefix(name, "-") {
		dashes = "--"
	}
	_, usage, _ := strings.Cut(help, "mrrun bench "+measure+" [")
	usage, _, _ = strings.Cut(usage, "\n")
	for flag := range strings.SplitSeq("["+usage, "[--") {
		if end := strings.IndexAny(flag, " ]"); end > 0 {
			all = append(all, jobs.CompleteNames(word, dashes+flag[:end])...)
		}
	}
	return all
}

const help = `Measure a job with 1, 2, ... processes, or the cost of a task, a pool, a worker or what processes share.

  mrrun bench JOB [flags of the job] [--procs 1,2,...] [--chunksize N] [--repeat 10] [--peers] [--export FILE] [--against FILE] [--json]
  mrrun bench overhead [--procs 2] [--chunksize 1] [--tasks 1e6] [--mode map|imap|apply|command] [--repeat 3] [--json]
  mrrun bench startup [--framework pool|process] [--procs 2] [--spares 0] [--repeat 9] [--json]
  mrrun bench metg [--procs 2] [--frameworks mrrun] [--python python3] [--repeat 3] [--json]
  mrrun bench workers [--count 10000] [--repeat 9] [--json]
  mrrun bench primitives [--prim lock] [--procs 2] [--count 100000] [--size 0] [--repeat 3] [--json]
  mrrun bench arrays [--framework map|view|inplace|serial] [--mb 100] [--procs 2] [--pin] [--repeat 3] [--json]

Examples:
  mrrun bench pi -n 1e10 --export pi.svg --export pi.json
  mrrun bench pi -n 1e10 --against pi.json
  mrrun bench overhead --procs 2 --chunksize 1 --tasks 1000000
  mrrun bench metg --frameworks mrrun,pool,ppe,joblib,ray-pool
  mrrun bench workers
  mrrun bench primitives --prim lock --procs 4
  mrrun bench primitives --prim queue --size 1000
  mrrun bench arrays --framework inplace --mb 100 --procs 2 --pin

The first form runs the whole job in a plain loop, in goroutines, and with each number of processes, start and end of the
workers included. In each round each of them runs once; after the rounds, or after Ctrl-C those that are finished, it prints
medians with 95 % intervals, the speed-up against the loop (of a job that reduces by key: against one goroutine), efficiency,
the part of the time that start and waiting take, memory, Amdahl's law if three numbers of processes can be fitted, and whether
all results were equal. --peers runs the counterparts in Python (multiprocessing) and C, too; --export FILE writes the figures,
as the name says: .json, .csv, .md, .svg, .html; --against FILE.json compares with earlier ones. The second measures tasks that do nothing, on a pool that is up, and checks every result; with
--mode apply one after the other, which is a round trip each, with --mode command as lines through a program, sed. The third
measures a pool from nothing to a first result of each worker and back to nothing, or the start of a process that does
nothing and the wait for it; with --spares, of one that was started ahead, and was given the time for that. The fourth
finds METG(50 %), how long tasks must work for half of the time to be work and half overhead, of mrrun and of frameworks of
Python: multiprocessing.Pool, ProcessPoolExecutor (ppe), joblib and Ray's Pool, where installed. The fifth
measures what a worker costs beside a goroutine: the start, cold and from a spare, beside that of a program that does
nothing; to go there and back; the memory. The sixth measures
processes that do nothing but use what they share, from when all begin together to when the last has ended: --prim lock,
rlock, value-lock, unlocked, atomic (increments), event, condition, semaphore-pingpong (turns of 2 processes), semaphore
(acquire and release), barrier (crossings), queue, simplequeue, joinable, pipe (messages from one to the other),
queue-put-only or pingpong (round trips), or in a manager's process manager-dict, manager-list, manager-value (half sets,
half gets), manager-dict-pipelined (64 at a time), manager-event (turns) or manager-queue; --size is the bytes of a message.
The seventh squares the elements of an array: map sends the parts and puts together what comes back, view sends them and leaves
what comes back where it comes, inplace shares the array, serial is one loop in one process.
--chunksize is how many pieces or tasks are sent at once; 0 = automatic. mrrun JOB --help shows the flags of a job.
--json prints a line for each figure: workload, framework, procs, seconds (the median), items_per_s, check, all;
whole numbers beyond 2^53 are strings.
`

func run(ctx context.Context, words []string, out io.Writer) error {
	if len(words) == 0 {
		return jobs.Usagef("bench what? a job, overhead, startup, metg, workers, primitives or arrays (see mrrun bench --help)")
	}
	switch name, rest := words[0], words[1:]; {
	case name == "--help" || name == "-help" || name == "-h":
		_, err := io.WriteString(out, help)
		return err
	case strings.HasPrefix(name, "-"):
		return jobs.Usagef("%s comes before what to measure: mrrun bench JOB [flags] (see mrrun bench --help)", name)
	case name == "overhead":
		return overheadCommand(ctx, rest, out)
	case name == "startup":
		return startupCommand(ctx, rest, out)
	case name == "metg":
		return metgCommand(ctx, rest, out)
	case name == "workers":
		return workersCommand(ctx, rest, out)
	case name == "primitives":
		return primitivesCommand(ctx, rest, out)
	case name == "arrays":
		return arraysCommand(ctx, rest, out)
	default:
		c, err := jobs.Lookup(name, measures...)
		if err != nil {
			return err
		}
		return jobCommand(ctx, c, rest, out)
	}
}
