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
	kind   string  // for messages: "task ", or nothing if the name says it
	name   string  // of the function, with #2, #3 … after the first of that name
	types  string  // of arguments and results
	site   uintptr // where it was registered; 0 in a worker

	codecs   func(refuse func(role string, err error)) // makes what encodes and decodes the task's types
	prepared sync.Once

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

// register adds a task, and refuses types that codecs refuses. skip is the number of stack frames
// between the user's line and this function.
//
// A worker leaves the codecs to prepare, as every worker pays for what it does before it begins:
// its driver, which is the same program, has checked the types, and the worker may never run the
// task.
func register(kind, name, types string, skip int, codecs func(refuse func(role string, err error)), open func([]byte) (runner, error)) *entry {
	e := &entry{kind: kind, name: name, types: types, codecs: codecs, open: open}
	if !proc.Marked() {
		e.site = callSite(skip + 1)
		e.prepare()
	}
	if entered.Load() {
		panic(fmt.Sprintf("mapreduce: task %s is registered at %s, after Main or Init was entered, where no worker can "+
			"find it; register it in a package variable", name, e.where()))
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
	e.number, e.name = len(registry.entries), name
	registry.entries = append(registry.entries, e)
	return e
}

// prepare makes the codecs, unless it has done so. It panics, with the line to mend, if a type
// cannot travel.
func (e *entry) prepare() {
	e.prepared.Do(func() {
		e.codecs(func(role string, err error) {
			if err != nil {
				panic(fmt.Sprintf("mapreduce: %s%s, registered at %s: %s %v", e.kind, e.name, e.where(), role, err))
			}
		})
	})
}

// callSite returns the place in the program that is skip calls above its caller.
func callSite(skip int) uintptr {
	var site [1]uintptr
	runtime.Callers(skip+2, site[:])
	return site[0]
}

// where returns the file and line of the registration.
func (e *entry) where() string {
	at, _ := runtime.CallersFrames([]uintptr{e.site}).Next()
	if at.Line == 0 {
		return "an unknown line"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(at.File), at.Line)
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

// taskByNumber returns the entry with number n, prepared, or nil if there is none.
func taskByNumber(n uint64) *entry {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if n >= uint64(len(registry.entries)) {
		return nil
	}
	e := registry.entries[n]
	e.prepare()
	return e
}
