package manager

import (
	"fmt"
	"log/slog"
	"time"

	"mrrun/transport"
)

type options struct {
	log        *slog.Logger
	limit      uint64
	maxConns   int
	maxWaiting int
	greeting   time.Duration
	silence    time.Duration
	underWay   time.Duration
}

// An Option configures a server or a client. An option that only a server uses has no effect on a
// client, and the other way round.
type Option func(*options)

func makeOptions(opts []Option) options {
	o := options{
		log: slog.Default(), limit: 64 << 20, maxConns: 1000, maxWaiting: 10_000,
		greeting: 5 * time.Second, silence: 60 * time.Second, underWay: underWay,
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// minMessage is the number of bytes that an answer without values, such as most errors, may need.
const minMessage = 1 << 10

// MaxMessage sets the largest message that is taken from the other side, in bytes. The default is
// 64 MiB; the limit is never less than 1 KiB or more than [transport.MaxBody]. All arguments of a
// call travel in one message, and so do all its results. A message that would be larger is not
// sent, and the call returns a [transport.SizeError]. The manager then has not done what the call
// asked for, unless a method or function that the program has registered returned too large a
// result.
func MaxMessage(bytes int) Option {
	if bytes < 1 {
		panic(fmt.Sprintf("manager: MaxMessage(%d): it must be positive", bytes))
	}
	return func(o *options) { o.limit = min(max(uint64(bytes), minMessage), transport.MaxBody) }
}

// MaxConns sets how many clients a server serves at the same time, by default 1,000. The server
// refuses more.
func MaxConns(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("manager: MaxConns(%d): it must be positive", n))
	}
	return func(o *options) { o.maxConns = n }
}

// MaxWaiting sets how many calls of one client may wait on a server at the same time, by default
// 10,000. More calls get [ErrBusy].
func MaxWaiting(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("manager: MaxWaiting(%d): it must be positive", n))
	}
	return func(o *options) { o.maxWaiting = n }
}

// Log sets where a server reports connections that it refuses or that end with an error, methods
// that panic, and deadlocks, by default [slog.Default].
func Log(l *slog.Logger) Option {
	return func(o *options) { o.log = l }
}

// Silence sets how long the other side may be silent before the connection is cut, by default 60 s.
// Clients ask four times in that time whether the server is there. A client that may have nothing
// to say for longer must have the same silence as its server.
func Silence(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("manager: Silence(%v): it must be positive", d))
	}
	return func(o *options) { o.silence = d }
}

// Greeting sets how long a server waits for a new connection to prove that it is a client, and how
// long a client waits for the server's greeting, by default 5 s.
func Greeting(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("manager: Greeting(%v): it must be positive", d))
	}
	return func(o *options) { o.greeting = d }
}
