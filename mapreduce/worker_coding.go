package mapreduce

import "time"

// codingEvery is the time from one sample to the next, which takes five looks at the clock.
const codingEvery = 500 * time.Microsecond

// A codingSample estimates how much of its time a worker spends on decoding arguments and encoding
// results, by timing the first item of some chunks. Short items would suffer if each were timed.
type codingSample struct {
	taken time.Duration // when the last one began; 0: none did
	marks [4]time.Time  // before decoding, calling, encoding, and at the end
	n     int           // of marks; len(marks): no sample is being taken
	share float64       // of the time of a chunk
	total time.Duration // the estimate
}

// begin is called when a chunk begins, with the time since the worker began to work.
func (s *codingSample) begin(now time.Duration) {
	s.n = len(s.marks)
	if s.taken == 0 || now-s.taken >= codingEvery {
		s.taken, s.n = now, 0
	}
}

// mark notes the time of the next step of the item at this offset of the chunk.
func (s *codingSample) mark(offset int) {
	if offset == 0 && s.n < len(s.marks) {
		s.marks[s.n] = time.Now()
		s.n++
	}
}

// end is called when a chunk ends that took the time work.
func (s *codingSample) end(work time.Duration) {
	switch m := &s.marks; {
	case s.n == 0: // what runs takes no marks
		s.share = 0
	case s.n == len(m) && m[3].After(m[0]): // otherwise an error has cut the sample short
		s.share = float64(m[1].Sub(m[0])+m[3].Sub(m[2])) / float64(m[3].Sub(m[0]))
	}
	s.total += time.Duration(s.share * float64(work))
}
