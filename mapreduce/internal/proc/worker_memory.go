package proc

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// How often a worker that runs an item notes how much memory it uses. The kernel's own count helps
// only for a worker that used more than its driver: it begins with what the process had that
// started it.
const (
	memoryTick  = time.Second
	limitedTick = 10 * time.Millisecond // under a limit, so that the driver knows whether a worker died of it
)

// noteMemory notes the most memory that this process has had in use, now and while items run.
func (w *Worker) noteMemory() {
	w.Note.setPeak(ownStatus(peakRSS))
	go w.whileBusy(memoryTick, func() { w.Note.setPeak(ownStatus(peakRSS)) })
}

// whileBusy calls f at each tick at which an item runs. It does not return.
func (w *Worker) whileBusy(tick time.Duration, f func()) {
	for range time.Tick(tick) {
		if _, _, busy := w.Note.Running(); busy {
			f()
		}
	}
}

// LimitMemory limits what this worker may take from now on, if the driver wants that. The worker
// must be at rest. Only the first call has an effect.
func (w *Worker) LimitMemory() error {
	limit := w.memory
	if limit == 0 {
		return nil
	}
	w.memory = 0
	startThreads()
	rest := ownStatus(data)
	if err := limitData(uint64(rest + limit)); err != nil {
		return fmt.Errorf("limit memory to %d bytes: %w", limit, err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), int64(m.Sys-m.HeapReleased)+limit/10*9))
	go w.whileBusy(limitedTick, func() { w.Note.setTaken(ownStatus(data) - rest) })
	return nil
}

// peak returns the most memory that the ended worker had in use, in bytes, or 0 if that is unknown;
// kernel is the kernel's count.
func (p *Process) peak(kernel int64) int64 {
	if coarse := p.inherited / 8; kernel > p.inherited+coarse {
		return kernel
	}
	return p.Note.peak()
}
