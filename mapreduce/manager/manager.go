package manager

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"mrrun/mapreduce"
)

// A Manager is a server in a process of its own, together with the client that connects this
// process to it.
type Manager struct {
	*Client
	pool *mapreduce.Pool
	end  context.CancelFunc // ends the life of pool
	pid  int
}

// settings are the options that the manager's process gets.
type settings struct {
	Limit      uint64
	MaxConns   int
	MaxWaiting int
	Silence    time.Duration
	Greeting   time.Duration
}

// serving is the running server of a manager's process.
type serving struct {
	l    net.Listener
	stop context.CancelFunc
	done chan error
}

var server = mapreduce.NewState(func(_ context.Context, s settings) (*serving, error) {
	l, err := ListenLocal()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	run := &serving{l, stop, make(chan error, 1)}
	srv := NewServer(MaxMessage(int(s.Limit)), MaxConns(s.MaxConns), MaxWaiting(s.MaxWaiting),
		Silence(s.Silence), Greeting(s.Greeting))
	go func() { run.done <- srv.Serve(ctx, run.l) }()
	return run, nil
}, func(s *serving) error {
	s.stop()
	return <-s.done
})

// A place says where a manager's process can be reached.
type place struct {
	Address string
	PID     int
}

var serverPlace = mapreduce.FuncContext(func(ctx context.Context, _ struct{}) (place, error) {
	return place{Address(server.Get(ctx).l), os.Getpid()}, nil
})

// Start starts a manager in a process of its own. That process is this program, started again as a
// worker is, so the caller must have entered [mapreduce.Main] or [mapreduce.Init]. It ends with
// Close, and with this process. When it is killed, all its objects are lost, and every use of them
// returns an error that wraps [ErrLost].
func Start(ctx context.Context, opts ...Option) (*Manager, error) {
	o := makeOptions(opts)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	pool, err := mapreduce.NewPool(life, mapreduce.Procs(1),
		server.Initializer(settings{o.limit, o.maxConns, o.maxWaiting, o.silence, o.greeting}))
	if !stop() && err == nil {
		pool.Terminate()
		err = context.Cause(ctx)
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("start a manager: %w", err)
	}
	m := &Manager{pool: pool, end: end}
	at, err := serverPlace.Apply(ctx, pool, struct{}{})
	if err == nil {
		m.pid = at.PID
		m.Client, err = Dial(ctx, at.Address, opts...)
	}
	if err != nil {
		pool.Terminate()
		end()
		return nil, fmt.Errorf("start a manager: %w", err)
	}
	return m, nil
}

// PID returns the process ID of the manager, or 0 if it has ended.
func (m *Manager) PID() int {
	for _, w := range m.pool.Workers() {
		if w.PID == m.pid { // a worker with another PID has replaced it
			return m.pid
		}
	}
	return 0
}

// Close ends the connection and the manager's process, and waits until the process has ended. All
// its objects are lost.
func (m *Manager) Close() error {
	_ = m.Client.Close()
	err := m.pool.Close()
	m.end()
	if err != nil {
		return fmt.Errorf("close the manager: %w", err)
	}
	return nil
}
