package mapreduce

import (
	"fmt"
	"hash/fnv"
	"io"
	"path/filepath"
	"runtime"
	"sync"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// An entry is what driver and worker know about one task. Both find it under the same number,
// because both run the same program and registered the tasks in the same order.
type entry struct {
	number int
	name   string // of the function, with #2, #3 … after the first of that name
	types  string // of arguments and results
	where  string // file:line of the registration

	// open prepares a worker to run chunks of one call. params are the call's parameters.
	open func(params []byte) (runner, error)

	// state, set if the entry is a state instead, makes that in a worker from its encoded argument.
	state func(*transport.Decoder) (state any, exit func() error, err error)
}

// A runner runs one chunk in a worker: it decodes the arguments and writes the answer.
type runner func(*chunkRun) error

var registry struct {
	mu      sync.Mutex
	entries []*entry
	repeats map[string]int
}

// register adds a task. skip is the number of stack frames between the user's line and this
// function.
func register(name, types string, skip int, open func([]byte) (runner, error)) *entry {
	where := callSite(skip + 1)
	if entered.Load() {
		panic(fmt.Sprintf("mapreduce: task %s is registered at %s, after Main or Init was entered, where no worker can "+
			"find it; register it in a package variable", name, where))
	}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if registry.repeats == nil {
		registry.repeats = make(map[string]int)
	}
	registry.repeats[name]++
	if n := registry.repeats[name]; n > 1 {
		name = fmt.Sprintf("%s#%d", name, n)
	}
	e := &entry{number: len(registry.entries), name: name, types: types, where: where, open: open}
	registry.entries = append(registry.entries, e)
	return e
}

// refuse panics with an error about a type that cannot travel, at registration, where the line to
// mend is known.
func refuse(name string, role string, skip int, err error) {
	panic(fmt.Sprintf("mapreduce: %s, registered at %s: %s %v", name, callSite(skip+1), role, err))
}

func callSite(skip int) string {
	_, file, line, ok := runtime.Caller(skip + 1)
	if !ok {
		return "an unknown line"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

// table returns the hello that describes all registered tasks to the other side.
func table() proc.Hello {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	h := proc.Hello{Version: proc.Version}
	sum := fnv.New64a()
	for _, e := range registry.entries {
		h.Tasks = append(h.Tasks, e.name)
		_, _ = io.WriteString(sum, e.name+"\x00"+e.types+"\x00")
	}
	h.Fingerprint = sum.Sum64()
	return h
}

// taskByNumber returns the entry with number n, or nil if there is none.
func taskByNumber(n uint64) *entry {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if n >= uint64(len(registry.entries)) {
		return nil
	}
	return registry.entries[n]
}
