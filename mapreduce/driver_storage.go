package mapreduce

import (
	"errors"
	"math/rand/v2"

	"mrrun/internal/shm"
	"mrrun/internal/shuffle"
)

// maxFiles bounds the files of a set. Where a pool has more workers, some share one.
const maxFiles = 64

// withoutPlaces, for tests, lets no worker open the driver's files.
var withoutPlaces bool

// A storage holds the records and the results of one run of a job, in files that the driver makes,
// so that they outlive the workers that write to them.
type storage struct {
	head    shuffleHead
	records shuffle.Files
	results shuffle.Files
}

func newStorage(procs int) (*storage, error) {
	s := &storage{head: shuffleHead{seed: shuffle.Seed{rand.Uint64(), rand.Uint64()}}}
	var err error
	if s.records, s.head.records, err = newFiles(procs); err == nil {
		s.results, s.head.results, err = newFiles(procs)
	}
	if err != nil {
		return nil, errors.Join(err, s.free())
	}
	return s, nil
}

// newFiles makes a set of files. It returns no places if other processes cannot find them.
func newFiles(procs int) (files shuffle.Files, places []shm.Place, err error) {
	for range 1 + min(procs, maxFiles) {
		f, err := shuffle.NewMemory()
		if err != nil {
			return files, nil, err
		}
		files = append(files, f)
		if place, ok := f.Place(); ok {
			places = append(places, place)
		}
	}
	if len(places) < len(files) || withoutPlaces {
		places = nil
	}
	return files, places, nil
}

// freeRecords frees what only the reduce step needs.
func (s *storage) freeRecords() error {
	records := s.records
	s.records = nil
	return records.Free()
}

func (s *storage) free() error {
	err := s.freeRecords()
	results := s.results
	s.results = nil
	return errors.Join(err, results.Free())
}

// take stores what came inside a message in the driver's own file of the set, and corrects the
// parts, which say where it is.
func take(files shuffle.Files, parts []shuffle.Part, inside []byte) error {
	if len(inside) == 0 {
		return nil
	}
	at, err := files[0].Append(inside)
	if err != nil {
		return err
	}
	for i := range parts {
		if p := &parts[i]; p.File == 0 {
			p.Offset += at
		}
	}
	return nil
}
