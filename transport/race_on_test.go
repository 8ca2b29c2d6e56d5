//go:build race

package transport

const raceDetector = true // which takes memory, and has pools forget
