// Package examples has short programs, one in each folder, that show how processes divide work, exchange objects, share
// memory and wait for each other.
// Run one with
//
//	go run ./examples/startgun
//
// The comment at the end of each program is what it prints, and a test holds it to that. A line that begins with ~ stands
// for any line that the regular expression behind it matches: there chance has a say.
package examples
