package proc

import "time"

// memoryTick is how often a worker that runs an item notes how much memory it uses. The kernel knows better only of a worker
// that used more than its driver: what it counts for a process begins with what the one had that started it.
const memoryTick = time.Second

// noteMemory has the note tell the most memory that this process has had in use, now and while items run.
func (w *Worker) noteMemory() {
	w.Note.setPeak(peakRSS())
	ticker := time.NewTicker(memoryTick)
	go func() { // as long as the process
		for range ticker.C {
			if _, _, busy := w.Note.Running(); busy {
				w.Note.setPeak(peakRSS())
			}
		}
	}()
}

// peak returns the most memory that the worker, which has ended, is known to have had in use, 0 if that is not known; kernel
// is what the kernel counted.
func (p *Process) peak(kernel int64) int64 {
	if coarse := p.inherited / 8; kernel > p.inherited+coarse {
		return kernel
	}
	return p.Note.peakNoted()
}
