//go:build race

package manager

const raceDetector = true // under which a process takes many times as long to start
