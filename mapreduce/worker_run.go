package mapreduce

import (
	"context"
	"fmt"
	"time"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// work runs chunks until the stop request.
func (w *worker) work() {
	var batch []request
	var answer *transport.Encoder
	args := transport.NewDecoder(nil)
	begun := time.Now()
	for {
		<-w.queue.ready()
		batch = w.queue.take(batch)
		if answer == nil { // not before the states were made, which may change how it is sent
			answer = w.out.NewBody()
		}
		clock := time.Now() // of the wall, which may be set meanwhile
		now := clock.Sub(begun)
		taken, flushed := now, now
		for i := range batch {
			r := &batch[i]
			if r.call == nil {
				_ = w.out.Flush()
				return
			}
			start := now
			w.process.Note.Began(clock.Add(start - taken))
			w.coding.begin(start)
			answer.Truncate(0)
			_, _ = answer.Write(noWorkTime[:])
			args.ResetFrame(r.args)
			args.OwnViews()
			w.run(r, args, answer)
			w.process.Note.Finish()
			args.ReleaseViews()
			args.Renew()
			if r.release != nil {
				r.release()
			}
			now = time.Since(begun) // which reads one clock, and time.Now two
			putWorkTime(answer.Bytes(), now-start)
			w.coding.end(now - start)
			w.process.Ran(r.items, now-start)
			waiting := w.answer(r.tag, answer)
			if waiting > flushBytes || now-flushed > flushAfter {
				w.process.Note.SetCoding(w.coding.total)
				w.send()
				flushed = now
			} else if i+1 < len(batch) {
				w.flusher.Later() // the next chunk may take long
			}
		}
		w.process.Note.SetCoding(w.coding.total)
		w.send()
		w.process.Note.Clear()
		answer.Trim()
		if w.host == nil {
			shm.Sweep() // no task is running that could still use unmapped memory
		}
	}
}

// run computes one chunk.
func (w *worker) run(r *request, in *transport.Decoder, out *transport.Encoder) {
	_ = out.WriteByte(chunkDone)
	if err := w.runItems(r, in, out); err != nil {
		failChunk(out, err)
	}
}

// failChunk turns the answer into that of a chunk that failed as a whole.
func failChunk(out *transport.Encoder, err error) {
	out.Truncate(workTimeSize)
	_ = out.WriteByte(chunkFailed)
	out.String(err.Error())
}

// runItems computes the items of a chunk, unless its call did not open or has been cancelled.
func (w *worker) runItems(r *request, in *transport.Decoder, out *transport.Encoder) error {
	if r.call.err != nil {
		return r.call.err
	}
	if err := context.Cause(r.call.ctx); err != nil {
		return err
	}
	if w.logLevel.Load() != r.call.level {
		w.logLevel.Store(r.call.level)
	}
	w.running = true
	err := r.call.run(&chunkRun{worker: w, request: *r, in: in, out: out})
	w.running = false
	return err
}

// run runs the items of a chunk, in a worker.
func (t *Task[A, R]) run(r *chunkRun) error {
	var a A // declared outside the loop, they cost one allocation per chunk
	var result R
	for i := range int(r.items) {
		r.begin(i)
		r.coding.mark(i)
		a = *new(A)
		if err := t.arg.Decode(r.in, &a); err != nil {
			err = fmt.Errorf("decode the argument: %w", err)
			if transport.OfItem(err) == nil {
				return err
			}
			r.failItem(r.out.Len(), err)
			continue
		}
		start := r.out.Len()
		_ = r.out.WriteByte(itemOK)
		r.coding.mark(i)
		var err error
		if result, err = t.callSafely(r, i, a); err != nil {
			r.failItem(start, err)
			continue
		}
		r.coding.mark(i)
		if err = t.result.Encode(r.out, &result); err != nil {
			r.failItem(start, err)
		}
		r.coding.mark(i)
	}
	return nil
}

// failItem answers an item, whose answer begins at start, with its failure.
func (r *chunkRun) failItem(start int, err error) {
	r.out.Truncate(start)
	_ = r.out.WriteByte(itemFailed)
	encodeFailure(r.out, err)
}

// callSafely calls the task's function and turns a panic into an error.
func (t *Task[A, R]) callSafely(r *chunkRun, i int, a A) (result R, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	if t.plain != nil {
		return t.plain(a), nil
	}
	ctx, cancel := r.item(i)
	defer cancel()
	result, err = t.f(ctx, a)
	return result, timedOut(ctx, err)
}
