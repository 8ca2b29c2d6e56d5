package shm

import (
	"encoding/binary"
	"fmt"
	"os"
)

// A Place says where to find a region, as long as the process that made it keeps it open.
type Place struct {
	PID, FD    int
	Dev, Inode uint64
}

// Place returns where other processes of this user can find the region.
func (r *Region) Place() (Place, error) {
	dev, inode, err := r.Identity()
	if err != nil {
		return Place{}, fmt.Errorf("find the place of shared memory: %w", err)
	}
	return Place{os.Getpid(), int(r.File().Fd()), dev, inode}, nil
}

// Map maps the region at this place and keeps no file open. The error wraps [os.ErrNotExist] if the
// process has closed the region or has ended.
func (pl Place) Map() (*Region, error) {
	r, err := FindRegion(pl.PID, pl.FD, pl.Dev, pl.Inode)
	if err != nil {
		return nil, err
	}
	return r, r.CloseFile()
}

// A Piece is a part of a region, as a message names it.
type Piece struct {
	Place
	Offset, Length int // bytes
}

// PieceSize is the size of a Piece in a message, in bytes.
const PieceSize = 40

// Append appends the piece as [PieceSize] bytes.
func (p Piece) Append(b []byte) []byte {
	e := binary.LittleEndian
	b = e.AppendUint32(b, uint32(p.PID))
	b = e.AppendUint32(b, uint32(p.FD))
	b = e.AppendUint64(b, p.Dev)
	b = e.AppendUint64(b, p.Inode)
	b = e.AppendUint64(b, uint64(p.Offset))
	return e.AppendUint64(b, uint64(p.Length))
}

// ParsePiece reads what Append wrote. The values are checked only when the piece is used.
func ParsePiece(b []byte) (Piece, error) {
	if len(b) != PieceSize {
		return Piece{}, fmt.Errorf("read the place of shared memory: got %d bytes, want %d", len(b), PieceSize)
	}
	e := binary.LittleEndian
	return Piece{
		Place{int(e.Uint32(b)), int(e.Uint32(b[4:])), e.Uint64(b[8:]), e.Uint64(b[16:])},
		int(e.Uint64(b[24:])), int(e.Uint64(b[32:])),
	}, nil
}
