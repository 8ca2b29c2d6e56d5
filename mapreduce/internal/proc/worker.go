package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"mrrun/internal/shm"
	rings "mrrun/internal/stream"
)

// The environment variable that makes a process a worker is "DEVICE:INODE:ID:SLOT": the pipe that
// it inherits for its requests, its number, and its slot in shared memory, 0 for none. A copy of
// the environment alone does not make a process a worker.
const (
	variable       = shm.WorkerVariable
	limitsVariable = "MRRUN_WORKER_LIMITS" // MEMORY:NICE:PIN:KEEPSHARED, as in Spec
	unsetVariable  = "MRRUN_WORKER_UNSET"  // names of variables that only this process may see
	nameVariable   = "MRRUN_WORKER_NAME"   // what os.Args[0] shall be

	requestsFD = 3
	answersFD  = 4
	memoryFD   = 5
	tableFD    = 6
)

// ExitNoWorker is the exit status of a process that has the variable of a worker but not its pipe.
const ExitNoWorker = 70

// A Worker is this process as a worker.
type Worker struct {
	ID       int
	Requests io.ReadCloser
	Answers  io.WriteCloser
	Note     *Note
	Shares   bool // it has shared memory with its driver

	KeepShared time.Duration // as in Spec

	marker marker
	memory int64       // bytes to allow beyond what it has at rest, until LimitMemory; 0: no limit
	status chan int    // exit status, if the worker is a goroutine
	left   atomic.Bool // likewise: Exit was called
}

// Marked reports whether this process was started as a worker and has not entered yet.
func Marked() bool { return os.Getenv(variable) != "" }

// Enter returns the Worker that this process is, or nil if it is not one. An error means that it
// was marked as one by mistake: it must end with [ExitNoWorker], and must not run as a driver.
// Enter must be called once, before anything else.
//
// From then on children do not inherit what makes this process a worker, and the driver's end kills
// its whole group.
func Enter() (*Worker, error) {
	mark := os.Getenv(variable)
	if mark == "" {
		return nil, nil
	}
	os.Unsetenv(variable)
	for _, name := range strings.Fields(os.Getenv(unsetVariable)) {
		os.Unsetenv(name)
	}
	os.Unsetenv(unsetVariable)
	os.Unsetenv(nameVariable)
	id, slot, err := checkMark(mark)
	if err != nil {
		return nil, err
	}
	shm.Enter(tableFD, slot)
	w := &Worker{ID: id, Shares: slot != 0}
	if err := w.connect(); err != nil {
		return nil, err
	}
	if w.memory, w.KeepShared, err = applyLimits(os.Getenv(limitsVariable)); err != nil {
		return nil, err
	}
	os.Unsetenv(limitsVariable)

	heedSignals()
	volunteer()
	wakeWithDriver()
	w.marker = marker{marks: true, heard: ^uint32(0)} // mark the first item
	w.noteMemory()
	return w, nil
}

// checkMark returns the worker's number and slot if the mark matches the inherited pipe.
func checkMark(mark string) (id int, slot shm.Tag, err error) {
	var device, inode uint64
	if _, err := fmt.Sscanf(mark+"\n", "%d:%d:%d:%d\n", &device, &inode, &id, &slot); err != nil {
		return 0, 0, fmt.Errorf("%s=%q is not what a driver sets; unset it", variable, mark)
	}
	pipe, err := identifyFD(requestsFD)
	leader := syscall.Getpgrp() == os.Getpid() // what a worker starts before it enters is not
	if err != nil || pipe != fmt.Sprintf("%d:%d", device, inode) || !leader {
		return 0, 0, fmt.Errorf("%s is set, but this process is not the worker whose pipe should be descriptor %d; "+
			"unset it (it is meant for one process and was copied to another)", variable, requestsFD)
	}
	return id, slot, nil
}

// connect opens the pipes and the memory that the worker has inherited.
func (w *Worker) connect() error {
	for _, fd := range []int{requestsFD, answersFD, memoryFD} {
		syscall.CloseOnExec(fd)
	}
	memory, err := mapMemory(os.NewFile(memoryFD, "memory"))
	if err != nil {
		return err
	}
	w.Note = newNote(memory)
	requests, answers := openPipe(requestsFD, "requests"), openPipe(answersFD, "answers")
	if memory.region == nil {
		w.Requests, w.Answers = requests, answers
		return nil
	}
	s, err := rings.Open(memory.region, 1, rings.Bell{In: requests, Out: answers}, nil)
	w.Requests, w.Answers = s, s
	return err
}

// openPipe makes a File that waits in the runtime's poller, so that a waiting reader holds no
// thread.
func openPipe(fd int, name string) *os.File {
	_ = syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), name)
}

// identify names a pipe by its device and inode.
func identify(f *os.File) (name string, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return "", err
	}
	if cerr := raw.Control(func(fd uintptr) { name, err = identifyFD(int(fd)) }); cerr != nil {
		return "", cerr
	}
	return name, err
}

func identifyFD(fd int) (string, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return "", err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return "", errors.New("not a pipe")
	}
	return fmt.Sprintf("%d:%d", st.Dev, st.Ino), nil
}

// KillOwnGroup kills this process and all that it has started. It does not return.
func KillOwnGroup() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(ExitNoWorker) // not the leader of a group: only this process ends
}
