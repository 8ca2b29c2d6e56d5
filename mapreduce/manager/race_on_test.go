//go:build race

package manager

const raceDetector = true // makes the start of a process many times as slow
