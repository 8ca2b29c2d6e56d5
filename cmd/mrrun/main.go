// Command mrrun runs MapReduce jobs in worker processes. See mrrun --help.
package main

import (
	"mrrun/bench"
	"mrrun/jobs"
	_ "mrrun/jobs/factorial"
	_ "mrrun/jobs/groupby"
	_ "mrrun/jobs/index"
	_ "mrrun/jobs/pi"
	_ "mrrun/jobs/wordcount"
)

func main() { jobs.Main(bench.Command) }
