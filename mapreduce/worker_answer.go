package mapreduce

import (
	"errors"
	"fmt"

	"mrrun/transport"
)

// answer adds an answer to those that wait to be sent, and returns how many bytes wait. If the
// answer is too large to send, it sends an error in its place.
func (w *worker) answer(tag uint32, body *transport.Encoder) (waiting int) {
	waiting, err := w.out.AddBody(kindAnswer, tag, body)
	if err == nil {
		return waiting
	}
	if tooLarge, ok := errors.AsType[*transport.SizeError](err); ok {
		failChunk(body, fmt.Errorf("send the results: %w; use a smaller chunk size, or smaller results", tooLarge))
		return w.answer(tag, body)
	}
	w.process.Abandon() // the driver, which reads them, is gone
	return waiting
}

func (w *worker) send() {
	if w.out.Flush() != nil {
		w.process.Abandon()
	}
}
