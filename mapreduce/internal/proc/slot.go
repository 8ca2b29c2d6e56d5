package proc

import (
	"errors"
	"os"

	"mrrun/internal/shm"
)

// A slot is a worker's place in the memory that its process tree shares. tag 0 means that it has
// none; when the worker wants to share something, it gets an error that says why.
type slot struct {
	tag   shm.Tag
	table *shm.Table
}

// reserveSlot reserves a slot for a worker. Only a full table is an error: workers also run on a
// system without shared memory.
func reserveSlot() (slot, error) {
	self, err := shm.Self()
	if err != nil {
		return slot{}, nil
	}
	tag, err := self.Reserve()
	if err != nil && !errors.Is(err, shm.ErrFull) {
		err = nil
	}
	return slot{tag, self.Table()}, err
}

// files returns the files that the worker must inherit for its slot.
func (s slot) files() []*os.File {
	if s.tag == 0 {
		return nil
	}
	return []*os.File{s.table.File()}
}

// part notes that the worker is about to exit.
func (s slot) part() {
	if s.tag != 0 {
		s.table.Part(s.tag)
	}
}

// reap repairs what the ended worker has left in shared memory. It may be called again.
func (s slot) reap() {
	if s.tag != 0 && !s.table.Reaped(s.tag) {
		s.table.Reap(s.tag)
	}
}
