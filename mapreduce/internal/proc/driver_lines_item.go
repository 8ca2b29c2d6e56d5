package proc

import (
	"errors"
	"io"
	"syscall"
)

// An origin finds out which item printed what is read from one of a worker's streams. The item is
// known if it ran both before and after the read, and if the stream was empty at some time since it
// began: then nothing else has written these bytes. The driver sees the first two by itself; the
// worker's marks tell it the third.
type origin struct {
	note   *Note
	stream int
	item   func(tag uint32, offset int) (index int)

	since  uint64 // item that ran, or one before it, when the unread bytes were written; 0: unknown
	before uint64 // item that ran before the read; 0: none, or not looked up
}

// looking must be called before each attempt to read.
func (o *origin) looking() {
	var empty uint64
	if o.before, empty = o.note.printing(o.stream); empty == o.before {
		o.since = empty
	}
}

// read returns the index of the item that printed what was read, or -1 if that is unknown or no
// item. waiting returns how many bytes can be read now.
func (o *origin) read(waiting func() int) (index int) {
	after, _ := o.note.printing(o.stream)
	known := after != 0 && o.before == after && o.since == after
	o.before = 0
	if waiting() == 0 { // asked after the item: what comes later is of this item, or of later ones
		o.since = after
	}
	o.note.hear()
	if !known || o.item == nil {
		return -1
	}
	return o.item(uint32(after>>32), int(uint32(after)))
}

// readFile reads what is there, after calling looking.
func (r *PipeReader) readFile(b []byte) (n int, err error) {
	if r.looking == nil {
		return r.file.Read(b)
	}
	raw, err := r.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		r.looking()
		n, failed = syscall.Read(int(fd), b)
		for failed == syscall.EINTR {
			n, failed = syscall.Read(int(fd), b)
		}
		return failed != syscall.EAGAIN
	})
	switch err = errors.Join(err, failed); {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
