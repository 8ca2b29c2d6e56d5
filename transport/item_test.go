package transport

import (
	"errors"
	"io"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// An odd value encodes itself as three numbers, and decodes itself as does says.
type odd struct {
	n    int
	does oddity
}

type oddity int

const (
	takesAll oddity = iota
	fails
	panics
	takesMore
	takesLess
)

var errOdd = errors.New("it fails")

func (o odd) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(o.n, int(o.does), 7) }

func (o *odd) DecodeMsgpack(d *msgpack.Decoder) error {
	var does, rest int
	if err := d.DecodeMulti(&o.n, &does); err != nil {
		return err
	}
	switch oddity(does) {
	case fails:
		return errOdd
	case panics:
		panic(errOdd)
	case takesMore:
		return d.DecodeMulti(&rest, &rest)
	case takesLess:
		return nil
	}
	return d.Decode(&rest)
}

// An item that cannot be decoded, or takes more or fewer bytes than its own, does not affect later
// ones.
func TestItemsAreApart(t *testing.T) {
	c, err := NewItemCodec[odd]()
	if err != nil {
		t.Fatal(err)
	}
	items := []odd{{n: 1}, {2, fails}, {n: 3}, {4, panics}, {n: 5}, {6, takesMore}, {n: 7}, {8, takesLess}, {n: 9}}
	e := NewEncoder(nil)
	for i := range items {
		if err := c.Encode(e, &items[i]); err != nil {
			t.Fatal(err)
		}
	}
	d := NewDecoder(e.Bytes())
	for _, want := range items {
		var got odd
		err := c.Decode(d, &got)
		failed := OfItem(err)
		bad := want.does != takesAll && want.does != takesLess
		if (err != nil) != bad || (failed != nil) != bad || got.n != want.n || errors.Is(failed, errOdd) != (want.does == fails) {
			t.Errorf("item %+v arrives as %+v, %v, %v", want, got, failed, err)
		}
	}
	if len(d.Rest()) > 0 {
		t.Errorf("%d bytes are left", len(d.Rest()))
	}
	for end := range e.Len() {
		d := NewDecoder(e.Bytes()[:end])
		err := error(nil)
		for err == nil || OfItem(err) != nil {
			err = c.Decode(d, new(odd))
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %v", end, err)
		}
	}
}

// Items whose types have no methods need no extra bytes.
func TestItemsOfPlainTypes(t *testing.T) {
	type plain struct {
		Name  string
		Times []int
	}
	c, err := NewItemCodec[plain]()
	if err != nil {
		t.Fatal(err)
	}
	single, err := NewCodec[plain]()
	if err != nil {
		t.Fatal(err)
	}
	v := plain{"a", []int{1, 2}}
	item, value := NewEncoder(nil), NewEncoder(nil)
	if err := errors.Join(c.Encode(item, &v), single.Encode(value, &v)); err != nil || item.Len() != value.Len() {
		t.Errorf("%d bytes instead of %d, %v", item.Len(), value.Len(), err)
	}
}
