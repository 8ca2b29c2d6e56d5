package jobs

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"time"

	"mrrun/mapreduce"
)

// A jobLog writes a line for each piece as it ends, in the columns of GNU parallel's --joblog. Its
// add never waits for the file.
type jobLog struct {
	file  *os.File
	piece func(index int) int
	again func(piece int) string // the command that runs a piece alone
	watch *watch                 // knows how workers died

	mu      sync.Mutex
	waiting []ended
	wake    chan struct{}
	closed  bool
	gone    sync.WaitGroup
	err     error
}

// An ended is a chunk that has ended.
type ended struct {
	mapreduce.Chunk
	mapreduce.Outcome
	at time.Time
}

const jobLogHead = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

// openJobLog creates the file.
func openJobLog(path string, piece func(int) int, again func(int) string, w *watch) (*jobLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make the job log: %w", err)
	}
	l := &jobLog{file: f, piece: piece, again: again, watch: w, wake: make(chan struct{}, 1)}
	l.gone.Go(l.run)
	return l, nil
}

// add adds the pieces of a chunk. Those that were sent together share its time and its bytes.
func (l *jobLog) add(c mapreduce.Chunk, o mapreduce.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, ended{c, o, time.Now()})
	l.wakeUp()
}

func (l *jobLog) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// close writes what waits. The error is that of the first write that failed.
func (l *jobLog) close() error {
	l.mu.Lock()
	l.closed = true
	l.wakeUp()
	l.mu.Unlock()
	l.gone.Wait()
	if err := l.file.Close(); l.err == nil {
		l.err = err
	}
	if l.err != nil {
		return fmt.Errorf("write the job log: %w", l.err)
	}
	return nil
}

func (l *jobLog) run() {
	out := bufio.NewWriter(l.file)
	_, l.err = out.WriteString(jobLogHead)
	for closed := false; !closed; {
		l.flush(out)
		<-l.wake
		l.mu.Lock()
		batch := l.waiting
		l.waiting, closed = nil, l.closed
		l.mu.Unlock()
		for i := range batch {
			l.write(out, &batch[i])
		}
	}
	l.flush(out)
}

func (l *jobLog) flush(out *bufio.Writer) {
	if err := out.Flush(); l.err == nil {
		l.err = err
	}
}

func (l *jobLog) write(out *bufio.Writer, e *ended) {
	n := e.Items()
	if deaths := l.watch.deathsOf(e.First); e.Work == 0 && len(deaths) > 0 {
		e.Work = deaths[len(deaths)-1].Ran
	}
	took := (e.Work / time.Duration(n)).Seconds()
	failures := make(map[int]*mapreduce.TaskError, len(e.Failures))
	for _, f := range e.Failures {
		failures[f.Index] = f
	}
	start := float64(e.at.UnixMicro())/1e6 - e.Work.Seconds()
	for i := range n {
		f := failures[e.First+i]
		status, signal, remark := 0, 0, ""
		if f != nil {
			facts := factsOf(l.piece(f.Index), f, l.watch.deathsOf(f.Index))
			status, signal, remark = max(facts.ExitStatus, 0), facts.signalNumber, " # "+facts.brief()
			if status == 0 && signal == 0 {
				status = 1
			}
		}
		fmt.Fprintf(out, "%d\t:\t%.3f\t%10.3f\t%d\t%d\t%d\t%d\t%s%s\n", l.piece(e.First+i), start+float64(i)*took, took,
			e.Sent/n, e.Received/n, status, signal, l.again(l.piece(e.First+i)), remark)
	}
}
