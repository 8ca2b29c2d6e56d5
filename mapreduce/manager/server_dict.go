package manager

import (
	"bytes"
	"sync"

	"mrrun/transport"
)

// A dictObject has encoded keys and encoded values. The dictObject of a [Value] has one key, which
// is empty.
type dictObject struct {
	mu sync.Mutex
	m  map[string]stored
}

func newDictObject(*session, *transport.Decoder) (object, error) {
	return &dictObject{m: make(map[string]stored)}, nil
}

func newValueObject(s *session, args *transport.Decoder) (object, error) {
	return &dictObject{m: map[string]stored{"": s.srv.store(args.Rest())}}, nil
}

func (o *dictObject) leave(*session) {}

func (o *dictObject) dropAll(srv *Server) {
	for _, v := range o.m {
		srv.release(v)
	}
}

// dictMethods are the methods of the whole dict.
var dictMethods = map[op]func(*dictObject, *call) error{
	opLen:   (*dictObject).length,
	opClear: (*dictObject).clear,
	opKeys:  (*dictObject).keys,
	opItems: (*dictObject).items,
}

// keyMethods are the methods of one key, which is their first argument. For a [Value] that key is
// empty.
var keyMethods = map[op]func(*dictObject, *call, dictEntry) error{
	opGet:            (*dictObject).get,
	opLoad:           (*dictObject).get,
	opPop:            (*dictObject).pop,
	opSwap:           (*dictObject).swap,
	opSet:            (*dictObject).set,
	opStore:          (*dictObject).set,
	opDelete:         (*dictObject).delete,
	opSetDefault:     (*dictObject).setDefault,
	opCompareAndSwap: (*dictObject).compareAndSwap,
	opAdd:            (*dictObject).add,
	opUpdate:         (*dictObject).update,
}

// A dictEntry is a key with its value at the time of the call.
type dictEntry struct {
	key   []byte
	old   stored
	found bool
}

func (o *dictObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if run := dictMethods[op(c.method)]; run != nil {
		return run(o, c)
	}
	run := keyMethods[op(c.method)]
	if run == nil {
		return c.unknown("dict")
	}
	key, err := c.in.Blob()
	if err != nil {
		return err
	}
	old, found := o.m[string(key)]
	return run(o, c, dictEntry{key, old, found})
}

func (o *dictObject) length(c *call) error {
	c.out.Uint(uint64(len(o.m)))
	return nil
}

func (o *dictObject) clear(c *call) error {
	for _, v := range o.m {
		c.s.srv.release(v)
	}
	clear(o.m)
	return nil
}

func (o *dictObject) keys(c *call) error {
	for k := range o.m {
		c.out.String(k)
	}
	return nil
}

func (o *dictObject) items(c *call) error {
	for k, v := range o.m {
		c.out.String(k)
		c.s.srv.answers(v)
		c.out.Blob(v.b)
	}
	return nil
}

func (o *dictObject) get(c *call, e dictEntry) error { return c.show(e.old) }

func (o *dictObject) pop(c *call, e dictEntry) error {
	if err := c.s.fits(len(e.old.b)); err != nil {
		return err
	}
	c.adopt(e.old)
	delete(o.m, string(e.key))
	return c.raw(e.old.b)
}

func (o *dictObject) swap(c *call, e dictEntry) error {
	if err := c.s.fits(len(e.old.b)); err != nil {
		return err
	}
	c.adopt(e.old)
	o.m[string(e.key)] = c.s.srv.store(c.in.Rest())
	return c.raw(e.old.b)
}

func (o *dictObject) set(c *call, e dictEntry) error {
	o.put(c, e, c.in.Rest())
	return nil
}

func (o *dictObject) delete(c *call, e dictEntry) error {
	delete(o.m, string(e.key))
	c.s.srv.release(e.old)
	return c.flag(e.found)
}

func (o *dictObject) setDefault(c *call, e dictEntry) error {
	if e.found {
		return c.show(e.old)
	}
	return o.answerPut(c, e, c.in.Rest())
}

func (o *dictObject) compareAndSwap(c *call, e dictEntry) error {
	expected, err := c.in.Blob()
	if err != nil {
		return err
	}
	same := e.found && bytes.Equal(e.old.b, expected)
	if same {
		o.put(c, e, c.in.Rest())
	}
	return c.flag(same)
}

func (o *dictObject) add(c *call, e dictEntry) error {
	sum, err := c.sum(e.old.b)
	if err != nil {
		return err
	}
	return o.answerPut(c, e, sum)
}

func (o *dictObject) update(c *call, e dictEntry) error {
	name, err := c.in.String()
	if err != nil {
		return err
	}
	e.old.depart() // the function gets a copy
	v, err := update(name, e.old.b, e.found)
	if err != nil {
		return err
	}
	return o.answerPut(c, e, v)
}

// answerPut replaces the old value by v, and answers with v.
func (o *dictObject) answerPut(c *call, e dictEntry, v []byte) error {
	if err := c.s.fits(len(v)); err != nil {
		return err
	}
	o.put(c, e, v)
	o.m[string(e.key)].depart()
	return c.raw(o.m[string(e.key)].b)
}

func (o *dictObject) put(c *call, e dictEntry, v []byte) {
	now := c.s.srv.store(v)
	c.s.srv.release(e.old)
	if cap(now.b) == 0 { // from a broken client: store nil instead
		now.b = []byte{0xc0}
	}
	o.m[string(e.key)] = now
}
