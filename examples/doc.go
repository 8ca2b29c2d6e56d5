// Package examples contains short programs, one in each directory, that show how processes divide
// work, exchange objects, share memory and wait for each other. Run one with
//
//	go run ./examples/startgun
//
// The comment at the end of each program is its output, which a test checks. Where the output
// varies, a line that begins with ~ is a regular expression for it.
package examples
