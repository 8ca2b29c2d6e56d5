package mapreduce

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"

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
	head   shuffleHead
	budget bool

	mu      sync.Mutex // guards the files against answers that come when the job is over
	records shuffle.Files
	results shuffle.Files
}

// processNeeds is how many bytes a process is expected to take beside the blocks in memory.
const processNeeds = 20 << 20

func newStorage(procs int, budget int64) (*storage, error) {
	s := &storage{head: shuffleHead{seed: shuffle.Seed{rand.Uint64(), rand.Uint64()}}, budget: budget > 0}
	n := 1 + min(procs, maxFiles)
	if s.budget {
		share := budget / int64(procs+1)
		block := max(4<<10, min(64<<10, share*3/8/shuffle.Partitions))
		s.head.limits = limits{
			spills: 1, block: uint64(block), most: uint64(max(share/4, 1<<20)), group: uint64(max(share/4, 1<<20)),
			inMemory: uint64(max(budget-int64(procs+1)*processNeeds, 0)) / uint64(2*n),
		}
	}
	var err error
	if s.records, s.head.records, err = s.newFiles(n); err == nil {
		s.results, s.head.results, err = s.newFiles(n)
	}
	if err != nil {
		return nil, errors.Join(err, s.free())
	}
	return s, nil
}

// newFiles makes a set of files: n in memory, and as many on disk if there is a budget. It returns
// no places if other processes cannot find them.
func (s *storage) newFiles(n int) (files shuffle.Files, places []shm.Place, err error) {
	for range n {
		f, err := shuffle.NewMemory()
		if err != nil {
			return files, nil, err
		}
		files = append(files, f)
	}
	for range n * int(s.head.limits.spills) {
		f, err := shuffle.NewSpill(os.TempDir())
		if err != nil {
			return files, nil, err
		}
		files = append(files, f)
	}
	for _, f := range files {
		if place, ok := f.Place(); ok && !withoutPlaces {
			places = append(places, place)
		}
	}
	if len(places) < len(files) {
		places = nil
	}
	return files, places, nil
}

// newSorted makes a file for results that are sorted.
func (s *storage) newSorted() (*shuffle.File, error) {
	if s.budget {
		return shuffle.NewSpill(os.TempDir())
	}
	return shuffle.NewMemory()
}

// freeRecords frees what only the reduce step needs.
func (s *storage) freeRecords() error {
	return s.takeAway(&s.records).Free()
}

// takeAway returns the files of a set, and leaves none.
func (s *storage) takeAway(set *shuffle.Files) (files shuffle.Files) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files, *set = *set, nil
	return files
}

func (s *storage) free() error {
	return errors.Join(s.freeRecords(), s.takeAway(&s.results).Free())
}

// take stores what came inside a message in the driver's own file of a set, and corrects the parts,
// which say where it is. It drops what comes when the job is over.
func (s *storage) take(set *shuffle.Files, parts []shuffle.Part, inside []byte) error {
	if len(inside) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	files := *set
	if len(files) == 0 {
		return nil
	}
	own := 0
	if s.budget {
		own = len(files) / 2
	}
	at, err := files[own].Append(inside)
	if err != nil {
		return err
	}
	for i := range parts {
		if p := &parts[i]; p.File == 0 {
			p.File, p.Offset = own, p.Offset+at
		}
	}
	return nil
}
