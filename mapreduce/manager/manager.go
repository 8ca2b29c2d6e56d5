package manager

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"mrrun/mapreduce"
)

// A Manager is a server in a process of its own, and the client that this process has of it.
type Manager struct {
	*Client
	pool *mapreduce.Pool
	end  context.CancelFunc // of the life of pool
	pid  int
}

// settings are what the server's process is told.
type settings struct {
	Limit      uint64
	MaxConns   int
	MaxWaiting int
	Silence    time.Duration
	Greeting   time.Duration
}

// serving is the server that a manager's process runs.
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

// A place is where a manager's process can be found.
type place struct {
	Address string
	PID     int
}

var serverPlace = mapreduce.FuncContext(func(ctx context.Context, _ struct{}) (place, error) {
	return place{Address(server.Get(ctx).l), os.Getpid()}, nil
})

// Start starts a manager in a process of its own: this program, started again as a worker is, so [mapreduce.Main] or
// [mapreduce.Init] must have been entered. It ends with Close, and with this process. When it is killed all that it had is
// lost, and every use of it an error that wraps [ErrLost].
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

// PID returns the process of the manager, or 0 if it has ended.
func (m *Manager) PID() int {
	for _, w := range m.pool.Workers() {
		if w.PID == m.pid { // else it is one that has taken the dead one's place, and has nothing of it
			return m.pid
		}
	}
	return 0
}

// Close ends the manager's process and waits for it. All that it had is gone.
func (m *Manager) Close() error {
	_ = m.Client.Close()
	err := m.pool.Close()
	m.end()
	if err != nil {
		return fmt.Errorf("close the manager: %w", err)
	}
	return nil
}
