package manager

import (
	"bytes"
	"reflect"
	"sync"

	"mrrun/transport"
)

func init() {
	makers["value"] = func(s *session, args *transport.Decoder) (object, error) {
		return &dictObject{m: map[string]stored{"": s.srv.store(args.Rest())}}, nil
	}
	makers["dict"] = func(*session, *transport.Decoder) (object, error) {
		return &dictObject{m: make(map[string]stored)}, nil
	}
}

// A dictObject has encoded keys and encoded values. That of a [Value] has one key, which is empty.
type dictObject struct {
	mu sync.Mutex
	m  map[string]stored
}

func (o *dictObject) leave(*session) {}

func (o *dictObject) dropAll(srv *Server) {
	for _, v := range o.m {
		srv.release(v)
	}
}

func (o *dictObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch string(c.method) {
	case "Len":
		c.out.Uint(uint64(len(o.m)))
		return nil
	case "Clear":
		for _, v := range o.m {
			c.s.srv.release(v)
		}
		clear(o.m)
		return nil
	case "Keys", "Items":
		for k, v := range o.m {
			c.out.String(k)
			if string(c.method) == "Items" {
				c.s.srv.answers(v)
				c.out.Blob(v.b)
			}
		}
		return nil
	}
	key, err := c.in.Blob()
	if err != nil {
		return err
	}
	old, found := o.m[string(key)]
	switch string(c.method) {
	case "Get", "Load":
		return c.show(old)
	case "Pop", "Swap":
		return o.take(c, key, old)
	case "Set", "Store":
		o.put(c, key, old, c.in.Rest())
		return nil
	case "Delete":
		delete(o.m, string(key))
		c.s.srv.release(old)
		return c.flag(found)
	case "SetDefault":
		if found {
			return c.show(old)
		}
		return o.answerPut(c, key, old, c.in.Rest())
	case "CompareAndSwap":
		expected, err := c.in.Blob()
		if err != nil {
			return err
		}
		same := found && bytes.Equal(old.b, expected)
		if same {
			o.put(c, key, old, c.in.Rest())
		}
		return c.flag(same)
	}
	var v []byte
	switch string(c.method) {
	case "Add":
		k, err := c.in.Uint()
		if err != nil {
			return err
		}
		if v, err = addEncoded(reflect.Kind(k), old.b, c.in.Rest()); err != nil {
			return err
		}
	case "Update":
		name, err := c.in.String()
		if err != nil {
			return err
		}
		if v, err = update(name, old.b, found); err != nil {
			return err
		}
	default:
		return c.unknown("dict")
	}
	return o.answerPut(c, key, old, v)
}

// take takes a value away, or puts another one in its place, and answers it.
func (o *dictObject) take(c *call, key []byte, old stored) error {
	if err := c.s.fits(len(old.b)); err != nil {
		return err
	}
	c.adopt(old)
	if string(c.method) == "Swap" {
		o.m[string(key)] = c.s.srv.store(c.in.Rest())
	} else {
		delete(o.m, string(key))
	}
	return c.raw(old.b)
}

// answerPut puts a value in the place of an old one, and answers it.
func (o *dictObject) answerPut(c *call, key []byte, old stored, v []byte) error {
	if err := c.s.fits(len(v)); err != nil {
		return err
	}
	o.put(c, key, old, v)
	return c.raw(v)
}

// adopt has the caller refer to the objects in a value that it takes away.
func (c *call) adopt(v stored) {
	for _, e := range v.refs {
		c.s.adopt(e)
	}
}

func (o *dictObject) put(c *call, key []byte, old stored, v []byte) {
	now := c.s.srv.store(v)
	c.s.srv.release(old)
	if cap(now.b) == 0 { // a broken client's
		now.b = []byte{0xc0}
	}
	o.m[string(key)] = now
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
