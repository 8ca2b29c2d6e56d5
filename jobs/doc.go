// Package jobs turns a job into a command: it adds flags, help, progress, a result on standard
// output and JSON, and runs the job on worker processes. The jobs themselves, in the packages below
// this one, contain no line about processes.
//
// [FoldFunc] and [Table] make a job of a task or of a [mapreduce.Job] and of what splits its input,
// such as [Range] and [Lines]. [Fold] and [Keyed] do so for jobs that need more. Package jobstest
// tests a job.
//
// A job package registers a [Command] in an init function, as database/sql drivers do; a program
// imports the package only for that and calls [Main]:
//
//	import (
//		"mrrun/jobs"
//		_ "mrrun/jobs/pi"
//	)
//
//	func main() { jobs.Main() }
package jobs
