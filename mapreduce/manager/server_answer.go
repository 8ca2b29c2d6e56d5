package manager

import "reflect"

// adopt has the caller refer to the objects in a value that it takes away.
func (c *call) adopt(v stored) {
	for _, e := range v.refs {
		c.s.adopt(e)
	}
}

// show answers a value that stays.
func (c *call) show(v stored) error {
	c.s.srv.answers(v)
	return c.raw(v.b)
}

// raw is the answer that is an encoded value.
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

// sum takes a kind of numbers and a number from the arguments, and returns the sum of that and an encoded one.
func (c *call) sum(old []byte) ([]byte, error) {
	k, err := c.in.Uint()
	if err != nil {
		return nil, err
	}
	return addEncoded(reflect.Kind(k), old, c.in.Rest())
}
