package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A Process is this process as a member of its tree. A program has one, [Self]; tests may have
// many, see [Simulation]. Its methods are safe for concurrent use.
type Process struct {
	table *Table
	tag   Tag
	slot  *slot

	mu     sync.Mutex
	turns  map[uint32]*turn     // by the unit of the object that goroutines wait for
	queues map[*Word]*waitQueue // by the word that goroutines wait at
	looked atomic.Int64         // when Look last checked a process, in nanoseconds

	counted atomic.Int64 // when the processes were last counted, in nanoseconds
	many    atomic.Bool  // more processes than processors
	segments
	racer
}

// Table returns the table of the process's tree.
func (p *Process) Table() *Table { return p.table }

// Tag returns the tag that names the process in owner words.
func (p *Process) Tag() Tag { return p.tag }

// WorkerVariable is the name of the environment variable that marks a process as a future worker,
// until it has become one.
const WorkerVariable = "MRRUN_WORKER"

var errTooEarly = errors.New("a worker cannot share memory before it has entered mapreduce.Main or Init: " +
	"make shared objects in Main's function, not in package variables, and send them in the arguments of tasks")

var self struct {
	mu   sync.Mutex
	fd   uintptr // of the table, from Enter; 0: this is the root
	slot Tag
	p    *Process
	err  error
}

// Enter makes this process the one that [Process.Reserve] reserved the slot for; fd is the
// inherited file of the table. A slot of 0 means that there is none. Enter must be called before
// the first [Self] of the process. It only remembers its arguments: the table is mapped when it is
// first used. It sets close-on-exec on fd, so that children do not inherit it unasked.
func Enter(fd uintptr, slot Tag) {
	self.mu.Lock()
	defer self.mu.Unlock()
	if slot == 0 {
		self.err = fmt.Errorf("%w: the process that started this one has no shared memory", ErrUnsupported)
		return
	}
	closeOnExec(fd)
	self.fd, self.slot = fd, slot
}

// Self returns this process. The first call maps the table; in a process that never entered one, it
// makes the table of a new tree, with the process as its root. Later calls return the same process;
// after an error, such as memory that has run out, they try again.
func Self() (*Process, error) {
	self.mu.Lock()
	defer self.mu.Unlock()
	if self.p == nil && self.fd == 0 && os.Getenv(WorkerVariable) != "" {
		return nil, errTooEarly
	}
	if self.p != nil || self.err != nil {
		return self.p, self.err
	}
	p, err := enter(self.fd, self.slot)
	if err != nil {
		return nil, err
	}
	self.p = p
	return p, nil
}

// Present returns this process if it has a table, or was given one; otherwise it returns nil, and
// no message can name an object that this process could have.
func Present() *Process {
	self.mu.Lock()
	present := self.p != nil || self.fd != 0
	self.mu.Unlock()
	if !present {
		return nil
	}
	p, err := Self()
	if err != nil {
		return nil
	}
	return p
}

func enter(fd uintptr, slot Tag) (*Process, error) {
	var t *Table
	var err error
	if fd == 0 {
		if t, err = NewTable(); err == nil {
			slot, err = t.reserve(0)
		}
	} else {
		t, err = MapTable(os.NewFile(fd, "mrrun"))
	}
	if err != nil {
		return nil, err
	}
	pid := os.Getpid()
	return t.process(slot, pid, startOf(pid))
}

// process makes the process that has the reserved slot g.
func (t *Table) process(g Tag, pid int, start uint32) (*Process, error) {
	if err := t.ready(g, pid, start); err != nil {
		return nil, err
	}
	return &Process{table: t, tag: g, slot: t.slot(g), turns: map[uint32]*turn{}, queues: map[*Word]*waitQueue{}}, nil
}

// Look reaps the process that an owner word names, if it has died, and reports whether it did.
// Two looks of one process are at least a [Slice] apart: looks are for goroutines that have waited
// that long, and for those that only ever try.
func (p *Process) Look(g Tag) bool {
	now, last := time.Now().UnixNano(), p.looked.Load()
	if now-last < int64(Slice) && !interleaved() || !p.looked.CompareAndSwap(last, now) {
		return false
	}
	return p.ReapIfDead(g)
}

// ReapIfDead reaps g if it has died, and reports whether it had. 0, [NoTag] and p itself count
// as alive.
func (p *Process) ReapIfDead(g Tag) bool {
	if g == 0 || g == NoTag || g == p.tag || p.table.Alive(g) {
		return false
	}
	p.table.Reap(g)
	return true
}
