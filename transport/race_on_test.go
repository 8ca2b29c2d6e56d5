//go:build race

package transport

const raceDetector = true // it takes memory, and makes pools forget
