package mapreduce

import (
	"fmt"
	"sync"

	"mrrun/internal/shuffle"
	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// reduceItems holds the groups of partitions that a job reduces, and where their results are.
type reduceItems struct {
	groups  []group
	inside  bool // the records must travel in the messages
	storage *storage

	mu      sync.Mutex
	reduced []reduced
}

// reduced is where the results of a group are.
type reduced struct {
	keys    int
	extents []shuffle.Extent
}

func (m *reduceItems) encode(out *transport.Encoder, s schedule.Span) error {
	for _, g := range m.groups[s.First:s.End] {
		if !m.inside {
			out.Uint(uint64(len(g.extents)))
			for _, e := range g.extents {
				encodeExtent(out, e)
			}
			out.Blob(nil)
			continue
		}
		var records, block []byte
		for _, e := range g.extents {
			var err error
			if block, err = m.storage.records.Read(e, block); err != nil {
				return err
			}
			records = append(records, block...)
		}
		out.Uint(0)
		out.Blob(records)
	}
	return nil
}

func (m *reduceItems) key(item int) string {
	first := 0
	if item > 0 {
		first = m.groups[item-1].end
	}
	return fmt.Sprintf("partitions %d to %d", first, m.groups[item].end-1)
}

func (m *reduceItems) place(in *transport.Decoder, s schedule.Span) (failed TaskErrors, err error) {
	for i := s.First; i < s.End; i++ {
		state, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		if state == itemFailed {
			failure, err := decodeFailure(in)
			if err != nil {
				return nil, err
			}
			return TaskErrors{failure}, m.lose(failure)
		}
		keys, err := in.Uint()
		if err != nil {
			return nil, err
		}
		parts, inside, err := decodeParts(in)
		if err == nil {
			err = m.put(i, int(keys), parts, inside)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (m *reduceItems) put(i, keys int, parts []shuffle.Part, inside []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.storage.take(&m.storage.results, parts, inside); err != nil {
		return err
	}
	r := reduced{keys: keys}
	for _, p := range parts {
		r.extents = append(r.extents, p.Extent)
	}
	m.reduced[i] = r
	return nil
}

// lose fails the job, which needs all keys.
func (m *reduceItems) lose(failure *TaskError) error { return failure.ofNoItem() }
