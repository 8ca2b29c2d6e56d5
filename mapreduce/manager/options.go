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

// An Option changes what a server or a client is like. What a client has no use for has no effect there.
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

// minMessage is what an answer without values needs, as most errors are.
const minMessage = 1 << 10

// MaxMessage is the largest message that is taken from the other side, in bytes: 64 MiB unless said, and never less than 1 KiB
// or more than [transport.MaxBody]. All arguments of a call are one message, as all its results are. One that would be larger is
// not sent: the call returns a [transport.SizeError]. What it asked for is not done then, unless it is the answer of a method
// or function of one's own that is too large.
func MaxMessage(bytes int) Option {
	if bytes < 1 {
		panic(fmt.Sprintf("manager: MaxMessage(%d): it must be positive", bytes))
	}
	return func(o *options) { o.limit = min(max(uint64(bytes), minMessage), transport.MaxBody) }
}

// MaxConns is how many clients a server serves at a time, 1,000 unless said: more are refused.
func MaxConns(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("manager: MaxConns(%d): it must be positive", n))
	}
	return func(o *options) { o.maxConns = n }
}

// MaxWaiting is how many calls of one client may wait on a server at a time, 10,000 unless said: more get [ErrBusy].
func MaxWaiting(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("manager: MaxWaiting(%d): it must be positive", n))
	}
	return func(o *options) { o.maxWaiting = n }
}

// Log is where a server reports connections that it refuses and methods that panic; [slog.Default] unless said.
func Log(l *slog.Logger) Option {
	return func(o *options) { o.log = l }
}

// Silence is how long the other side may be silent, 60 s unless said: then the connection is cut. Clients ask four times
// as often whether the server is there. A client that has nothing to say for longer must have the same silence as its server.
func Silence(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("manager: Silence(%v): it must be positive", d))
	}
	return func(o *options) { o.silence = d }
}

// Greeting is how long a server waits for a new connection to prove that it is a client, 5 s unless said.
func Greeting(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("manager: Greeting(%v): it must be positive", d))
	}
	return func(o *options) { o.greeting = d }
}
