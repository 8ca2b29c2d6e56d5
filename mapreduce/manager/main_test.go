package manager

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mrrun/mapreduce"
)

// scenarios are programs that this test binary plays if the environment names one: see play.
var scenarios = map[string]func(){}

const scenarioVariable = "MANAGER_TEST_SCENARIO"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveUninitialized()
		return
	}
	mapreduce.Init()
	if scenario := scenarios[os.Getenv(scenarioVariable)]; scenario != nil {
		scenario()
		os.Exit(0)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// serve runs a server in this process while the test runs, and checks that nothing of it remains.
func serve(tb testing.TB, opts ...Option) (dial func() *Client) {
	tb.Helper()
	return serveBy(tb, NewServer(opts...), opts...)
}

// serveBy is serve for a server of the test's own; the clients have opts.
func serveBy(tb testing.TB, srv *Server, opts ...Option) (dial func() *Client) {
	tb.Helper()
	before := goleak.IgnoreCurrent()
	starter := goleak.IgnoreAnyFunction("mrrun/mapreduce/internal/proc.runJobs") // runs as long as the process
	l, err := ListenLocal()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	var clients []*Client
	tb.Cleanup(func() {
		for _, c := range clients {
			_ = c.Close()
		}
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		if err := goleak.Find(before, starter); err != nil {
			tb.Error(err)
		}
	})
	return func() *Client {
		tb.Helper()
		c, err := Dial(ctx, Address(l), opts...)
		if err != nil {
			tb.Fatal(err)
		}
		clients = append(clients, c)
		return c
	}
}

// awaitParties waits until n parties wait at the barrier.
func awaitParties(ctx context.Context, b *Barrier, n int) {
	for must1(b.Waiting(ctx)) < n {
		time.Sleep(time.Millisecond)
	}
}

// within returns a ctx for calls that must not hang.
func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
