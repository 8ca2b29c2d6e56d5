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

// at reads an index from the arguments of c. A negative one counts from the end; the result is at
// least 0 and below limit.
func (o *listObject) at(c *call, limit int) (int, error) {
	u, err := c.in.Uint()
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
var listMethods = map[op]func(*listObject, *call) error{
	opLen:     (*listObject).length,
	opAppend:  (*listObject).append,
	opExtend:  (*listObject).append,
	opSlice:   (*listObject).slice,
	opAll:     (*listObject).slice,
	opReverse: (*listObject).reverse,
	opRemove:  (*listObject).remove,
	opInsert:  (*listObject).insert,
}

// elementMethods are the methods of one element, whose index is their first argument.
var elementMethods = map[op]func(o *listObject, c *call, i int) error{
	opGet:            (*listObject).get,
	opAt:             (*listObject).get,
	opSet:            (*listObject).set,
	opPop:            (*listObject).pop,
	opAdd:            (*listObject).add,
	opCompareAndSwap: (*listObject).compareAndSwap,
	opUpdate:         (*listObject).update,
}

func (o *listObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if run := listMethods[op(c.method)]; run != nil {
		return run(o, c)
	}
	run := elementMethods[op(c.method)]
	if run == nil {
		return c.unknown("list")
	}
	i, err := o.at(c, len(o.l))
	if err != nil {
		return err
	}
	return run(o, c, i)
}

func (o *listObject) length(c *call) error {
	c.out.Uint(uint64(len(o.l)))
	return nil
}

func (o *listObject) append(c *call) error { return o.extend(c.s.srv, c.in) }

func (o *listObject) reverse(*call) error {
	slices.Reverse(o.l)
	return nil
}

func (o *listObject) remove(c *call) error {
	v := c.in.Rest()
	i := slices.IndexFunc(o.l, func(x stored) bool { return bytes.Equal(x.b, v) })
	if i >= 0 {
		c.s.srv.release(o.l[i])
		o.l = slices.Delete(o.l, i, i+1)
	}
	return c.flag(i >= 0)
}

func (o *listObject) insert(c *call) error {
	i, err := o.at(c, len(o.l)+1)
	if err != nil {
		return err
	}
	o.l = slices.Insert(o.l, i, c.s.srv.store(c.in.Rest()))
	return nil
}

func (o *listObject) get(c *call, i int) error { return c.show(o.l[i]) }

func (o *listObject) set(c *call, i int) error {
	o.put(c, i, c.in.Rest())
	return nil
}

func (o *listObject) pop(c *call, i int) error {
	v := o.l[i]
	if err := c.s.fits(len(v.b)); err != nil {
		return err
	}
	o.l = slices.Delete(o.l, i, i+1)
	c.adopt(v)
	return c.raw(v.b)
}

func (o *listObject) add(c *call, i int) error {
	sum, err := c.sum(o.l[i].b)
	if err != nil {
		return err
	}
	return o.answerPut(c, i, sum)
}

func (o *listObject) compareAndSwap(c *call, i int) error {
	old, err := c.in.Blob()
	if err != nil {
		return err
	}
	same := bytes.Equal(o.l[i].b, old)
	if same {
		o.put(c, i, c.in.Rest())
	}
	return c.flag(same)
}

func (o *listObject) update(c *call, i int) error {
	name, err := c.in.String()
	if err != nil {
		return err
	}
	o.l[i].depart() // the function gets a copy
	v, err := update(name, o.l[i].b, true)
	if err != nil {
		return err
	}
	return o.answerPut(c, i, v)
}

func (o *listObject) put(c *call, i int, v []byte) {
	now := c.s.srv.store(v)
	c.s.srv.release(o.l[i])
	o.l[i] = now
}

// answerPut replaces element i by v, and answers with v.
func (o *listObject) answerPut(c *call, i int, v []byte) error {
	if err := c.s.fits(len(v)); err != nil {
		return err
	}
	o.put(c, i, v)
	o.l[i].depart()
	return c.raw(o.l[i].b)
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

func (o *listObject) slice(c *call) error {
	i, j := 0, len(o.l)
	if len(c.in.Rest()) > 0 {
		var err error
		if i, err = o.at(c, len(o.l)+1); err != nil {
			return err
		}
		if j, err = o.at(c, len(o.l)+1); err != nil {
			return err
		}
	}
	if i > j {
		return fmt.Errorf("%w: from %d up to %d", ErrIndex, i, j)
	}
	for _, v := range o.l[i:j] {
		c.s.srv.answers(v)
		c.out.Blob(v.b)
	}
	return nil
}
