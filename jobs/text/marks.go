package text

import "encoding/binary"

// Most text is plain ASCII. These functions look at eight bytes of it at once, held in a uint64,
// which is several times as fast as one by one.
const (
	eachByte = 0x0101010101010101 // times b: b in each of the eight bytes
	highBits = 0x80 * eachByte
)

// group is how many bytes of a text one word of marks is for.
const group = 64

// mark changes the ASCII letters of text to lower case and returns marks with a bit for each byte
// that is ASCII white space or not ASCII: bit i%64 of word i/64 for byte i.
func mark(text []byte, marks []uint64) []uint64 {
	n := len(text) / group
	if need := n + 1; cap(marks) < need {
		marks = make([]uint64, need)
	}
	marks = marks[:n+1]
	markGroups(text[:n*group], marks[:n])
	var rest [group]byte
	length := copy(rest[:], text[n*group:])
	markGroups(rest[:], marks[n:])
	copy(text[n*group:], rest[:length])
	return marks
}

// markGroupsGo is mark for whole groups.
func markGroupsGo(text []byte, marks []uint64) {
	for i := range marks {
		g := text[i*group : i*group+group : i*group+group]
		var m uint64
		for at := 0; at < group; at += 8 {
			x := binary.LittleEndian.Uint64(g[at:])
			low := x &^ highBits // so that no sum carries into the next byte
			upper := (low + (0x80-'A')*eachByte) &^ (low + (0x80-'Z'-1)*eachByte) &^ x & highBits
			binary.LittleEndian.PutUint64(g[at:], x|upper>>2) // 0x80>>2 is 'a'-'A'
			notSpace := (low ^ ' '*eachByte) + 0x7f*eachByte
			control := (low + (0x80-'\t')*eachByte) &^ (low + (0x80-'\r'-1)*eachByte)
			stop := (control | ^notSpace | x) & highBits
			m |= stop >> 7 * 0x0102040810204080 >> 56 << at // the high bits, side by side
		}
		marks[i] = m
	}
}
