package proc

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"mrrun/internal/shm"
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
	noteFD     = 5
	tableFD    = 6
)

// ExitNoWorker is the exit status of a process that has the variable of a worker but not its pipe.
const ExitNoWorker = 70

// A Worker is this process as a worker.
type Worker struct {
	ID       int
	Requests *os.File
	Answers  *os.File
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
	note, err := mapNote(noteFD)
	if err != nil {
		return nil, err
	}
	syscall.Close(noteFD)
	syscall.CloseOnExec(requestsFD)
	syscall.CloseOnExec(answersFD)
	memory, keepShared, err := applyLimits(os.Getenv(limitsVariable))
	if err != nil {
		return nil, err
	}
	os.Unsetenv(limitsVariable)

	heedSignals()
	volunteer()
	wakeWithDriver()
	w := &Worker{ID: id, Requests: openPipe(requestsFD, "requests"), Answers: openPipe(answersFD, "answers"), Note: note, Shares: slot != 0, KeepShared: keepShared, memory: memory}
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
