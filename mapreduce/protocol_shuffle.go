package mapreduce

import (
	"errors"

	"mrrun/internal/shm"
	"mrrun/internal/shuffle"
	"mrrun/transport"
)

// A shuffleHead is what a worker must know about the storage of a job's run. In each set of files,
// number 0 is for what comes to the driver in messages; a worker writes to one of the others. No
// places mean that all records travel in messages.
type shuffleHead struct {
	seed    shuffle.Seed
	records []shm.Place // what the maps emitted
	results []shm.Place
	limits  limits
}

// limits are what a memory budget leaves to a worker. All are 0 without one.
type limits struct {
	spills   uint64 // 1: the second half of each set of files is on disk
	inMemory uint64 // bytes that a file in memory takes before the one on disk is used
	block    uint64 // bytes of a block of records
	most     uint64 // bytes of a key and its value
	group    uint64 // bytes of records that are grouped in memory
}

func (l *limits) all() []*uint64 {
	return []*uint64{&l.spills, &l.inMemory, &l.block, &l.most, &l.group}
}

func (h *shuffleHead) encode(out *transport.Encoder) {
	out.Uint(h.seed[0])
	out.Uint(h.seed[1])
	for _, n := range h.limits.all() {
		out.Uint(*n)
	}
	for _, places := range [][]shm.Place{h.records, h.results} {
		out.Uint(uint64(len(places)))
		for _, p := range places {
			out.Uint(uint64(p.PID))
			out.Uint(uint64(p.FD))
			out.Uint(p.Dev)
			out.Uint(p.Inode)
		}
	}
}

func (h *shuffleHead) decode(in *transport.Decoder) error {
	if err := decodeUints(in, append([]*uint64{&h.seed[0], &h.seed[1]}, h.limits.all()...)...); err != nil {
		return err
	}
	for _, places := range []*[]shm.Place{&h.records, &h.results} {
		n, err := in.Uint()
		if err != nil {
			return err
		}
		for range n {
			var pid, fd, dev, inode uint64
			if err := decodeUints(in, &pid, &fd, &dev, &inode); err != nil {
				return err
			}
			*places = append(*places, shm.Place{PID: int(pid), FD: int(fd), Dev: dev, Inode: inode})
		}
	}
	return nil
}

// encodeParts writes where a worker has stored records, and the records themselves if they travel
// in the message.
func encodeParts(out *transport.Encoder, parts []shuffle.Part, inside []byte) {
	out.Uint(uint64(len(parts)))
	for _, p := range parts {
		out.Uint(uint64(p.Partition))
		encodeExtent(out, p.Extent)
	}
	out.Blob(inside)
}

// decodeParts reads what encodeParts wrote. What is inside belongs to the decoder.
func decodeParts(in *transport.Decoder) (parts []shuffle.Part, inside []byte, err error) {
	n, err := in.Uint()
	if err != nil {
		return nil, nil, err
	}
	for range n {
		var p shuffle.Part
		partition, err := in.Uint()
		if err == nil {
			p.Extent, err = decodeExtent(in)
		}
		if err == nil && partition >= shuffle.Partitions {
			err = errors.New("records of a partition that does not exist")
		}
		if err != nil {
			return nil, nil, err
		}
		p.Partition = int(partition)
		parts = append(parts, p)
	}
	inside, err = in.Blob()
	return parts, inside, err
}

func encodeExtent(out *transport.Encoder, e shuffle.Extent) {
	out.Uint(uint64(e.File))
	out.Uint(uint64(e.Offset))
	out.Uint(uint64(e.Length))
}

func decodeExtent(in *transport.Decoder) (e shuffle.Extent, err error) {
	var file, offset, length uint64
	err = decodeUints(in, &file, &offset, &length)
	return shuffle.Extent{File: int(file), Offset: int64(offset), Length: int(length)}, err
}
