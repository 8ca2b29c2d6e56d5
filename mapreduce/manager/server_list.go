package manager

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"

	"mrrun/transport"
)

// A listObject is a list of encoded elements. It also is the object of an [Array].
type listObject struct {
	mu sync.Mutex
	l  []stored
}

func newListObject(s *session, args *transport.Decoder) (object, error) {
	o := &listObject{}
	return o, o.extend(s.srv, args)
}

// newArrayObject makes a list whose proxy does not change its length. It holds as many zero values
// as the client asks for, but no more than would fit in one message.
func newArrayObject(s *session, args *transport.Decoder) (object, error) {
	n, err := args.Uint()
	if err != nil {
		return nil, err
	}
	zero, err := args.Blob()
	if err != nil {
		return nil, err
	}
	over, size := bits.Mul64(n, uint64(len(zero)+elementHead))
	if over > 0 {
		size = math.MaxUint64
	}
	if limit := s.srv.o.limit; size > limit {
		return nil, fmt.Errorf("an array of %d elements: %w that the manager takes: see MaxMessage", n,
			&transport.SizeError{Size: size, Limit: limit})
	}
	return &listObject{l: slices.Repeat([]stored{{b: bytes.Clone(zero)}}, int(n))}, nil
}

// elementHead is the least number of bytes that the length of an element takes in a message.
const elementHead = 2

func (o *listObject) leave(*session) {}

func (o *listObject) dropAll(srv *Server) {
	for _, v := range o.l {
		srv.release(v)
	}
}

// at reads an index from the arguments of r. A negative one counts from the end; the result is at
// least 0 and below limit.
func (o *listObject) at(r *request, limit int) (int, error) {
	u, err := r.in.Uint()
	if err != nil {
		return 0, err
	}
	i := int(int64(u))
	if i < 0 {
		i += len(o.l)
	}
	if i < 0 || i >= limit {
		return 0, fmt.Errorf("%w: %d of %d", ErrIndex, int64(u), len(o.l))
	}
	return i, nil
}

// listMethods are the methods of the whole list.
var listMethods = methods[func(*listObject, *request) error]{
	{opLen, (*listObject).length},
	{opAppend, (*listObject).append},
	{opExtend, (*listObject).append},
	{opSlice, (*listObject).slice},
	{opAll, (*listObject).slice},
	{opReverse, (*listObject).reverse},
	{opRemove, (*listObject).remove},
	{opInsert, (*listObject).insert},
}

// elementMethods are the methods of one element, whose index is their first argument.
var elementMethods = methods[func(o *listObject, r *request, i int) error]{
	{opGet, (*listObject).get},
	{opAt, (*listObject).get},
	{opSet, (*listObject).set},
	{opPop, (*listObject).pop},
	{opAdd, (*listObject).add},
	{opCompareAndSwap, (*listObject).compareAndSwap},
	{opUpdate, (*listObject).update},
}

func (o *listObject) call(r *request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if run := listMethods.find(r.method); run != nil {
		return run(o, r)
	}
	run := elementMethods.find(r.method)
	if run == nil {
		return r.unknown("list")
	}
	i, err := o.at(r, len(o.l))
	if err != nil {
		return err
	}
	return run(o, r, i)
}

func (o *listObject) length(r *request) error {
	r.out.Uint(uint64(len(o.l)))
	return nil
}

func (o *listObject) append(r *request) error { return o.extend(r.s.srv, r.in) }

func (o *listObject) reverse(*request) error {
	slices.Reverse(o.l)
	return nil
}

func (o *listObject) remove(r *request) error {
	v := r.in.Rest()
	i := slices.IndexFunc(o.l, func(x stored) bool { return bytes.Equal(x.b, v) })
	if i >= 0 {
		r.s.srv.release(o.l[i])
		o.l = slices.Delete(o.l, i, i+1)
	}
	return r.flag(i >= 0)
}

func (o *listObject) insert(r *request) error {
	i, err := o.at(r, len(o.l)+1)
	if err != nil {
		return err
	}
	o.l = slices.Insert(o.l, i, r.s.srv.store(r.in.Rest()))
	return nil
}

func (o *listObject) get(r *request, i int) error { return r.show(o.l[i]) }

func (o *listObject) set(r *request, i int) error {
	o.put(r, i, r.in.Rest())
	return nil
}

func (o *listObject) pop(r *request, i int) error {
	v := o.l[i]
	if err := r.s.fits(len(v.b)); err != nil {
		return err
	}
	o.l = slices.Delete(o.l, i, i+1)
	r.adopt(v)
	return r.raw(v.b)
}

func (o *listObject) add(r *request, i int) error {
	sum, err := r.sum(o.l[i].b)
	if err != nil {
		return err
	}
	return o.answerPut(r, i, sum)
}

func (o *listObject) compareAndSwap(r *request, i int) error {
	old, err := r.in.Blob()
	if err != nil {
		return err
	}
	same := bytes.Equal(o.l[i].b, old)
	if same {
		o.put(r, i, r.in.Rest())
	}
	return r.flag(same)
}

func (o *listObject) update(r *request, i int) error {
	name, err := r.in.String()
	if err != nil {
		return err
	}
	v, err := update(name, o.l[i], true)
	if err != nil {
		return err
	}
	return o.answerPut(r, i, v)
}

func (o *listObject) put(r *request, i int, v []byte) {
	now := r.s.srv.store(v)
	r.s.srv.release(o.l[i])
	o.l[i] = now
}

// answerPut replaces element i by v, and answers with v.
func (o *listObject) answerPut(r *request, i int, v []byte) error {
	if err := r.s.fits(len(v)); err != nil {
		return err
	}
	o.put(r, i, v)
	o.l[i].depart()
	return r.raw(o.l[i].b)
}

// extend appends all values, or none if one of them is malformed.
func (o *listObject) extend(srv *Server, values *transport.Decoder) error {
	n := len(o.l)
	for len(values.Rest()) > 0 {
		b, err := values.Blob()
		if err != nil {
			for _, v := range o.l[n:] {
				srv.release(v)
			}
			o.l = slices.Delete(o.l, n, len(o.l))
			return err
		}
		o.l = append(o.l, srv.store(b))
	}
	return nil
}

func (o *listObject) slice(r *request) error {
	i, j := 0, len(o.l)
	if len(r.in.Rest()) > 0 {
		var err error
		if i, err = o.at(r, len(o.l)+1); err != nil {
			return err
		}
		if j, err = o.at(r, len(o.l)+1); err != nil {
			return err
		}
	}
	if i > j {
		return fmt.Errorf("%w: from %d up to %d", ErrIndex, i, j)
	}
	size := 0
	for _, v := range o.l[i:j] {
		size += len(v.b)
	}
	if err := r.s.fits(size); err != nil { // before anything is under way to this client
		return err
	}
	for _, v := range o.l[i:j] {
		r.s.srv.answers(v)
		r.out.Blob(v.b)
	}
	return nil
}
