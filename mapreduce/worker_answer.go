package mapreduce

import (
	"errors"
	"fmt"

	"mrrun/transport"
)

// answer adds an answer to those that wait to be sent, and returns how many bytes wait.
func (s *server) answer(tag uint32, body *transport.Encoder) (waiting int) {
	waiting, err := s.out.AddBody(kindAnswer, tag, body)
	if tooLarge, ok := errors.AsType[*transport.SizeError](err); ok {
		failChunk(body, fmt.Errorf("send the results: %w; use a smaller chunk size, or smaller results", tooLarge))
		return s.answer(tag, body)
	}
	if err != nil {
		s.worker.Abandon() // nobody reads: the driver is gone
	}
	return waiting
}

func (s *server) send() {
	if s.out.Flush() != nil {
		s.worker.Abandon()
	}
}

// sendLater has what waits sent while a long task runs.
func (s *server) sendLater() {
	select {
	case s.flush <- struct{}{}:
	default:
	}
}

func (s *server) flushLate() {
	for {
		select {
		case <-s.flush:
			s.send()
		case <-s.quit:
			return
		}
	}
}
