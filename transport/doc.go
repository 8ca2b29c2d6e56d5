// Package transport moves Go values between processes.
//
// A [Queue] has any number of senders and receivers in any processes of a tree, a [Pipe] has two
// ends, and both can be sent to other processes like any value. A [View] is a large slice of
// numbers that can be used where it arrived. The arguments and results of tasks need none of them.
//
//	queue, err := transport.NewQueue[string](100) // holds 100 values, then Put waits
//	here, there, err := transport.Pipe[int]()     // what one end sends the other receives
//
// They are built on a [Codec], which says which values can travel, and on frames in a byte stream;
// a [Conn] combines the two on any stream.
//
// # Frame
//
// A message is one frame: a header of 16 bytes, then the body. Numbers are little-endian.
//
//	offset  bytes  meaning
//	0       2      the letters "mr"
//	2       1      version of this format, 1
//	3       1      kind: what the message is; its meaning belongs to the user of the frame
//	4       4      tag: which conversation it belongs to; likewise
//	8       8      length of the body in bytes
//
// A frame of kind 7, tag 258, whose body is the msgpack of the string "hi":
//
//	6d 72 01 07  02 01 00 00  03 00 00 00 00 00 00 00  a2 68 69
//
// A declared length is checked against a limit before any memory is taken; memory is then taken
// only as bytes arrive.
//
// # Values
//
// A body is msgpack (https://msgpack.org): structs as arrays of their exported fields, integers in
// their shortest form. Three kinds of value have a form of their own, as msgpack extensions, where
// plain msgpack would be slow:
//
//	ext type 1   a slice of numbers: one byte for the kind of element, then the elements, little-endian
//	             (1 int8, 2 int16, 3 int32, 4 int64, 5 uint16, 6 uint32, 7 uint64, 8 float32, 9 float64, 10 uint8)
//	ext type 2   a big.Int: one byte for the sign (0 or 1 = negative), then the magnitude, little-endian
//	ext type 3   a [View]: one byte for the kind of element, fewer zeros than an element has bytes, then the elements,
//	             little-endian; or a single byte 0: no slice at all
//
// So []float64{1} is c7 09 01 09 00 00 00 00 00 00 f0 3f. These forms are used where such a slice
// or number is itself the value that is sent; a slice of numbers inside a struct takes the fast
// form if its type is [Slice].
//
// Because of the zeros, the elements of a View of 64 KiB or more begin at a multiple of their size,
// counted from the beginning of the body, so that they can be used where they are. The length
// implies how many zeros there are.
//
// Not every Go value can travel: [NewCodec] walks the type and names the part that cannot.
package transport
