package proc

import (
	"errors"
	"os"

	"mrrun/internal/shm"
)

// A slot is a worker's place in the memory that its process tree shares. tag 0: it has none, and whatever it wants to share
// tells it why.
type slot struct {
	tag   shm.Tag
	table *shm.Table
}

// reserveSlot takes a slot for a worker. Only a full table is an error: a system without shared memory runs workers too.
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

// files are what the worker inherits of it.
func (s slot) files() []*os.File {
	if s.tag == 0 {
		return nil
	}
	return []*os.File{s.table.File()}
}

// reap repairs what the worker, which has ended, has left in shared memory. It may be called again.
func (s slot) reap() {
	if s.tag != 0 && !s.table.Reaped(s.tag) {
		s.table.Reap(s.tag)
	}
}
