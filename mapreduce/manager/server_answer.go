package manager

import (
	"reflect"

	"mrrun/transport"
)

// adopt passes the references of a value that the caller takes away to the caller's session.
func (c *call) adopt(v stored) {
	for _, e := range v.refs {
		c.s.adopt(e)
	}
	v.depart()
	v.releaseShared()
}

// show answers with a value that stays in its object.
func (c *call) show(v stored) error {
	c.s.srv.answers(v)
	return c.raw(v.b)
}

// raw answers with an encoded value.
func (c *call) raw(b []byte) error {
	_, err := c.out.Write(b)
	return err
}

func (c *call) flag(b bool) error {
	n := uint64(0)
	if b {
		n = 1
	}
	c.out.Uint(n)
	return nil
}

// sum reads the kind of a number and an encoded number from the arguments, and returns the sum of
// that number and old.
func (c *call) sum(old []byte) ([]byte, error) {
	k, err := c.in.Uint()
	if err != nil {
		return nil, err
	}
	return addEncoded(reflect.Kind(k), old, c.in.Rest())
}

func encodeUint(n int) []byte {
	e := transport.NewEncoder(nil)
	e.Uint(uint64(n))
	return e.Bytes()
}
