package blocks

import (
	"encoding/binary"
	"fmt"

	"mrrun/internal/shm"
)

// A Piece is a part of a region, as a message names it.
type Piece struct {
	shm.Place
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
		shm.Place{PID: int(e.Uint32(b)), FD: int(e.Uint32(b[4:])), Dev: e.Uint64(b[8:]), Inode: e.Uint64(b[16:])},
		int(e.Uint64(b[24:])), int(e.Uint64(b[32:])),
	}, nil
}
