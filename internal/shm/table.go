package shm

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"
)

const (
	magic   = 0x6d727368 // "mrsh"
	version = 1

	maxSlots  = 4096
	unitSize  = 128
	arenaSize = 1 << 30
	maxUnits  = arenaSize / unitSize
)

// layout is what the table's memory holds, the same in every process: all of them run the same
// version of this package. The memory of segments follows it in the file.
type layout struct {
	header
	slots [maxSlots]slot
	units [maxUnits]unit // the first is never part of an object, so that 0 means none
	rows  [maxSlots]row  // see references.go
}

// tableSize is the size of the table's file in bytes. Untouched bytes cost nothing.
const tableSize = 1 << 62

type header struct {
	fields
	_ [4096 - unsafe.Sizeof(fields{})]byte
}

type fields struct {
	magic   uint32
	version uint32
	id      uint64 // random: tells this tree's handles from those of another tree
	rootPID uint64
	size    uint64                 // of layout, in bytes
	used    Word                   // units that were ever part of an object, and the first one
	free    [kinds][classes]Word64 // objects to reuse, see arena.go
	names   Word64                 // see Names
	deaths  Word                   // see Deaths

	slotsUsed Word   // slots below this one were used
	reserved  Word   // units that have memory
	memory    Word64 // offset of the file's unused part
	end       uint64 // size of the file in bytes
}

// A Table is the memory of a process tree, mapped into this process. Its methods are safe for
// concurrent use.
type Table struct {
	region *Region
	*layout
	lives func(pid int, start uint32) bool // whether a process runs; simulations replace it
}

// NewTable makes the table of a new tree. Only [Self] in the root of the tree calls it, once, and
// tests do.
func NewTable() (*Table, error) {
	size, err := fileSize(tableSize, int64(unsafe.Sizeof(layout{})))
	if err != nil {
		return nil, err
	}
	region, err := newRegion("mrrun", size, int64(unsafe.Sizeof(layout{})))
	if err != nil {
		return nil, err
	}
	t := &Table{region: region, layout: (*layout)(unsafe.Pointer(unsafe.SliceData(region.Bytes()))), lives: lives}
	if err = t.reserveMemory(0, unsafe.Sizeof(header{})); err == nil {
		err = t.reserveUnits(1)
	}
	if err != nil {
		region.Close()
		return nil, err
	}
	t.memory.Store(uint64(unsafe.Sizeof(layout{})))
	t.end = uint64(size)
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	t.id = binary.NativeEndian.Uint64(id[:]) | 1
	t.rootPID = uint64(os.Getpid())
	t.size = uint64(unsafe.Sizeof(layout{}))
	t.used.Store(1)
	t.version = version
	t.magic = magic
	return t, nil
}

// MapTable maps the table that another process made. The table owns the file from then on.
func MapTable(file *os.File) (*Table, error) {
	size := unsafe.Sizeof(layout{})
	region, err := mapRegion(file, int64(size))
	if err != nil {
		return nil, err
	}
	if region != nil {
		head := (*header)(unsafe.Pointer(unsafe.SliceData(region.Bytes())))
		if head.magic == magic && head.version == version && head.size == uint64(size) {
			return &Table{region: region, layout: (*layout)(unsafe.Pointer(head)), lives: lives}, nil
		}
		region.Close()
	}
	return nil, fmt.Errorf("map the table of the process tree: %s is not a table of this version: "+
		"the program was replaced while it ran", file.Name())
}

// File returns the file of the table, for children to inherit: see [Enter].
func (t *Table) File() *os.File { return t.region.File() }

// ID returns the number of the tree.
func (t *Table) ID() uint64 { return t.id }

// Names returns a word of the tree that is 0 at first, for the lock that guards the names of shared
// objects.
func (t *Table) Names() *Word64 { return &t.names }

// Deaths returns a word that changes whenever a process has ended and was reaped.
func (t *Table) Deaths() *Word { return &t.deaths }

// Close unmaps the table in this process. No object of it may be touched afterwards. Only tests
// call it.
func (t *Table) Close() error { return t.region.Close() }
