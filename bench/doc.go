// Package bench measures how much faster a job gets with more processes, and what a task, a pool, a
// worker or shared objects cost. It is the bench command of mrrun, and offers the same measurements
// as Go benchmarks. Its JSON lines have the format of the scripts that measure other frameworks, so
// that all can be compared.
package bench
