package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"mrrun/internal/shuffle"
	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// runSteps runs both steps of a job, whose files are those of s.
func (j *Job[J, In, K, V]) runSteps(ctx context.Context, p *Pool, params J, in []In, s *storage, o callOptions) (*Result[K, V], error) {
	encoded := transport.NewEncoder(nil)
	if err := j.params.Encode(encoded, &params); err != nil {
		return nil, fmt.Errorf("mapreduce: job %s: send its parameters: %w", j.name, err)
	}
	s.head.encode(encoded)
	m := &jobItems[In]{codec: j.in, in: in, storage: s, keepGoing: o.keepGoing}
	if o.keepGoing {
		o.chunksize = 1 // as a chunk's records are stored together
	}
	if err := p.supervisor.run(ctx, newCall(j.maps, encoded.Bytes(), m, len(in), o)); err != nil {
		return nil, err
	}
	items := &reduceItems{groups: m.groups(p.supervisor.size()), inside: m.inside, storage: s}
	items.reduced = make([]reduced, len(items.groups))
	o.chunksize = 0
	err := p.supervisor.run(ctx, newCall(j.reduces, encoded.Bytes(), items, len(items.groups), o))
	if failed, ok := errors.AsType[*TaskError](err); ok {
		return nil, fmt.Errorf("mapreduce: job %s: reduce: %w", j.name, failed)
	} else if err != nil {
		return nil, err
	}
	r := newResult(j, s, items)
	r.lost = m.lost
	slices.SortFunc(r.lost, func(a, b *TaskError) int { return a.Index - b.Index })
	return r, nil
}

// jobItems holds the input of a job, and where the records are that its maps emitted.
type jobItems[In any] struct {
	codec     *transport.Codec[In]
	in        []In
	keepGoing bool

	mu         sync.Mutex
	lost       TaskErrors // if keepGoing
	storage    *storage
	partitions [shuffle.Partitions][]run
	inside     bool // records came inside a message: a worker cannot open the files
}

// A run is where a chunk has stored records of one partition.
type run struct {
	first int // index of the chunk's first item, for the order
	shuffle.Extent
}

func (m *jobItems[In]) encode(out *transport.Encoder, s schedule.Span) error {
	for i := s.First; i < s.End; i++ {
		if err := m.codec.Encode(out, &m.in[i]); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func (m *jobItems[In]) keep(cargo *transport.Cargo) {
	for i := range m.in {
		m.codec.Keep(cargo, &m.in[i])
	}
}

func (m *jobItems[In]) key(item int) string { return show(m.in[item]) }

func (m *jobItems[In]) place(in *transport.Decoder, s schedule.Span) (failed TaskErrors, err error) {
	if state, err := in.ReadByte(); err != nil {
		return nil, err
	} else if state == itemFailed {
		failure, err := m.failure(in, s)
		if failure == nil {
			return nil, err
		}
		return TaskErrors{failure}, err
	}
	parts, inside, err := decodeParts(in)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.storage.take(&m.storage.records, parts, inside); err != nil {
		return nil, err
	}
	m.inside = m.inside || len(inside) > 0
	for _, p := range parts {
		m.partitions[p.Partition] = append(m.partitions[p.Partition], run{s.First, p.Extent})
	}
	return nil, nil
}

// failure decodes the failure of an item, or of several together. The error fails the call.
func (m *jobItems[In]) failure(in *transport.Decoder, s schedule.Span) (failed *TaskError, err error) {
	offset, err := in.Uint()
	if err != nil {
		return nil, err
	}
	if failed, err = decodeFailure(in); err != nil {
		return nil, err
	}
	if offset > uint64(s.Size()) {
		return nil, errors.New("a failure of an item that was not sent")
	}
	if offset == uint64(s.Size()) { // what failed concerns all items
		failed = failed.ofNoItem()
		return failed, failed
	}
	failed.Index = min(s.First+int(offset), s.End-1)
	return failed, m.lose(failed)
}

// lose fails the job if it needs all of its items.
func (m *jobItems[In]) lose(failure *TaskError) error {
	failure.Input = m.in[failure.Index]
	if !m.keepGoing {
		return failure
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = append(m.lost, failure)
	return nil
}

// A group is what one item of the reduce step reduces: some partitions that follow one another.
type group struct {
	end     int // the partition after the last one
	extents []shuffle.Extent
}

// groupSize is how many bytes of records make a worthwhile item of the reduce step.
const groupSize = 64 << 10

// groups returns the groups, which together have all records. Small partitions share a group, but
// there is enough for all workers to do.
func (m *jobItems[In]) groups(procs int) (groups []group) {
	var all int64
	for _, runs := range m.partitions {
		for _, r := range runs {
			all += int64(r.Length)
		}
	}
	enough := min(groupSize, all/int64(4*procs))
	var runs []run
	var size int64
	for i := range m.partitions {
		for _, r := range m.partitions[i] {
			size += int64(r.Length)
		}
		runs = append(runs, m.partitions[i]...)
		if len(runs) > 0 && (size >= enough || i == len(m.partitions)-1) {
			groups = append(groups, group{i + 1, inOrder(runs)})
			runs, size = nil, 0
		}
	}
	return groups
}

// inOrder returns the extents in the order of the input, as few as possible.
func inOrder(runs []run) (extents []shuffle.Extent) {
	slices.SortStableFunc(runs, func(a, b run) int { return a.first - b.first })
	for _, r := range runs {
		if n := len(extents); n > 0 {
			last := &extents[n-1]
			if last.File == r.File && last.Offset+int64(last.Length) == r.Offset && last.Length < groupSize {
				last.Length += r.Length
				continue
			}
		}
		extents = append(extents, r.Extent)
	}
	return extents
}
