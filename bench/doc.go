// Package bench measures: how much faster a job gets with more processes, and what a task, a pool or what processes share
// costs. It is the bench command of mrrun, and the same measurements as Go benchmarks. Its JSON lines have the format of
// scripts that measure other frameworks, so that both can be read together.
package bench
