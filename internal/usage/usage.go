// Package usage has errors about command lines.
package usage

import "fmt"

// ExitCode is the exit status of a program whose command line was wrong.
const ExitCode = 2

// An Error is about a command line.
type Error struct{ error }

// ExitCode returns the exit status that such an error asks for.
func (Error) ExitCode() int { return ExitCode }

func (e Error) Unwrap() error { return e.error }

// Errorf returns an Error with a text made as by [fmt.Errorf].
func Errorf(format string, args ...any) error { return Error{fmt.Errorf(format, args...)} }
