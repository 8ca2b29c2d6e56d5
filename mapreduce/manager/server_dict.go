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
var dictMethods = methods[func(*dictObject, *request) error]{
	{opLen, (*dictObject).length},
	{opClear, (*dictObject).clear},
	{opKeys, (*dictObject).keys},
	{opItems, (*dictObject).items},
}

// keyMethods are the methods of one key, which is their first argument. For a [Value] that key is
// empty.
var keyMethods = methods[func(*dictObject, *request, dictEntry) error]{
	{opGet, (*dictObject).get},
	{opLoad, (*dictObject).get},
	{opPop, (*dictObject).pop},
	{opSwap, (*dictObject).swap},
	{opSet, (*dictObject).set},
	{opStore, (*dictObject).set},
	{opDelete, (*dictObject).delete},
	{opSetDefault, (*dictObject).setDefault},
	{opCompareAndSwap, (*dictObject).compareAndSwap},
	{opAdd, (*dictObject).add},
	{opUpdate, (*dictObject).update},
}

// A dictEntry is a key with its value at the time of the call.
type dictEntry struct {
	key   []byte
	old   stored
	found bool
}

func (o *dictObject) call(r *request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if run := dictMethods.find(r.method); run != nil {
		return run(o, r)
	}
	run := keyMethods.find(r.method)
	if run == nil {
		return r.unknown("dict")
	}
	key, err := r.in.Blob()
	if err != nil {
		return err
	}
	old, found := o.m[string(key)]
	return run(o, r, dictEntry{key, old, found})
}

func (o *dictObject) length(r *request) error {
	r.out.Uint(uint64(len(o.m)))
	return nil
}

func (o *dictObject) clear(r *request) error {
	for _, v := range o.m {
		r.s.srv.release(v)
	}
	clear(o.m)
	return nil
}

func (o *dictObject) keys(r *request) error {
	for k := range o.m {
		r.out.String(k)
	}
	return nil
}

func (o *dictObject) items(r *request) error {
	size := 0
	for k, v := range o.m {
		size += len(k) + len(v.b)
	}
	if err := r.s.fits(size); err != nil { // before anything is under way to this client
		return err
	}
	for k, v := range o.m {
		r.out.String(k)
		r.s.srv.answers(v)
		r.out.Blob(v.b)
	}
	return nil
}

func (o *dictObject) get(r *request, e dictEntry) error { return r.show(e.old) }

func (o *dictObject) pop(r *request, e dictEntry) error {
	if err := r.s.fits(len(e.old.b)); err != nil {
		return err
	}
	r.adopt(e.old)
	delete(o.m, string(e.key))
	return r.raw(e.old.b)
}

func (o *dictObject) swap(r *request, e dictEntry) error {
	if err := r.s.fits(len(e.old.b)); err != nil {
		return err
	}
	r.adopt(e.old)
	o.m[string(e.key)] = r.s.srv.store(r.in.Rest())
	return r.raw(e.old.b)
}

func (o *dictObject) set(r *request, e dictEntry) error {
	o.put(r, e, r.in.Rest())
	return nil
}

func (o *dictObject) delete(r *request, e dictEntry) error {
	delete(o.m, string(e.key))
	r.s.srv.release(e.old)
	return r.flag(e.found)
}

func (o *dictObject) setDefault(r *request, e dictEntry) error {
	if e.found {
		return r.show(e.old)
	}
	return o.answerPut(r, e, r.in.Rest())
}

func (o *dictObject) compareAndSwap(r *request, e dictEntry) error {
	expected, err := r.in.Blob()
	if err != nil {
		return err
	}
	same := e.found && bytes.Equal(e.old.b, expected)
	if same {
		o.put(r, e, r.in.Rest())
	}
	return r.flag(same)
}

func (o *dictObject) add(r *request, e dictEntry) error {
	sum, err := r.sum(e.old.b)
	if err != nil {
		return err
	}
	return o.answerPut(r, e, sum)
}

func (o *dictObject) update(r *request, e dictEntry) error {
	name, err := r.in.String()
	if err != nil {
		return err
	}
	v, err := update(name, e.old, e.found)
	if err != nil {
		return err
	}
	return o.answerPut(r, e, v)
}

// answerPut replaces the old value by v, and answers with v.
func (o *dictObject) answerPut(r *request, e dictEntry, v []byte) error {
	if err := r.s.fits(len(v)); err != nil {
		return err
	}
	o.put(r, e, v)
	o.m[string(e.key)].depart()
	return r.raw(o.m[string(e.key)].b)
}

func (o *dictObject) put(r *request, e dictEntry, v []byte) {
	now := r.s.srv.store(v)
	r.s.srv.release(e.old)
	if cap(now.b) == 0 { // from a broken client: store nil instead
		now.b = []byte{0xc0}
	}
	o.m[string(e.key)] = now
}
