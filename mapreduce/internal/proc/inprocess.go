package proc

import (
	"os"
	"runtime"
	"sync/atomic"
)

// InProcess starts a worker that is a goroutine of this process: it calls run with the worker's
// side of the pipes. The goroutine cannot be killed: [Process.Kill] closes its pipes. The process
// counts as ended when run has returned, or at once when it is killed.
func InProcess(id int, run func(*Worker)) (*Process, error) {
	p := &Process{ID: id, ended: make(chan struct{}), done: make(chan struct{}), killed: make(chan struct{})}
	requests, w, err := os.Pipe()
	if err != nil {
		return nil, startError(Spec{ID: id}, err)
	}
	p.Requests = Pipe{w}
	r, answers, err := os.Pipe()
	if err != nil {
		requests.Close()
		p.Close()
		return nil, startError(Spec{ID: id}, err)
	}
	p.Answers = &PipeReader{file: r}
	p.Note = &Note{word: new(atomic.Uint64), used: new(memoryUsed), printed: new(printed), seen: new(seen), memory: &memory{}}
	worker := &Worker{ID: id, Requests: requests, Answers: answers, Note: p.Note, status: make(chan int, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer worker.closePipes()
		run(worker)
	}()
	go p.waitGoroutine(worker, ended)
	return p, nil
}

// waitGoroutine is wait for a worker that is a goroutine.
func (p *Process) waitGoroutine(w *Worker, ended chan struct{}) {
	select {
	case <-ended:
	case <-p.killed:
		p.exit.Code = -1
		w.closePipes()
	}
	select {
	case p.exit.Code = <-w.status:
	default:
	}
	p.Answers.finish()
	close(p.ended)
	close(p.done)
}

func (w *Worker) closePipes() {
	w.Requests.Close()
	w.Answers.Close()
}

// inProcess reports whether the worker is a goroutine.
func (w *Worker) inProcess() bool { return w.status != nil }

// Exit ends the worker with an exit status; it does not return. If the worker is a goroutine, only
// that ends, with its pipes closed.
func (w *Worker) Exit(status int) {
	if !w.inProcess() {
		w.Note.setPeak(ownStatus(peakRSS))
		os.Exit(status)
	}
	select {
	case w.status <- status:
	default:
	}
	w.left.Store(true)
	w.closePipes()
	runtime.Goexit()
}

// Left reports whether Exit has ended the worker, which is a goroutine.
func (w *Worker) Left() bool { return w.left.Load() }

// Abandon ends the worker and all that it has started, because its driver is gone. It does not
// return.
func (w *Worker) Abandon() {
	if w.inProcess() {
		w.Exit(ExitNoWorker)
	}
	KillOwnGroup()
}
