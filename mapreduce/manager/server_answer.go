package manager

import (
	"reflect"

	"mrrun/transport"
)

// adopt passes the references of a value that the caller takes away to the caller's session.
func (r *request) adopt(v stored) {
	for _, e := range v.refs {
		r.s.adopt(e)
	}
	v.depart()
	v.releaseShared()
}

// show answers with a value that stays in its object.
func (r *request) show(v stored) error {
	if err := r.s.fits(len(v.b)); err != nil {
		return err
	}
	r.s.srv.answers(v)
	return r.raw(v.b)
}

// raw answers with an encoded value.
func (r *request) raw(b []byte) error {
	_, err := r.out.Write(b)
	return err
}

func (r *request) flag(b bool) error {
	n := uint64(0)
	if b {
		n = 1
	}
	r.out.Uint(n)
	return nil
}

// sum reads the kind of a number and an encoded number from the arguments, and returns the sum of
// that number and old.
func (r *request) sum(old []byte) ([]byte, error) {
	k, err := r.in.Uint()
	if err != nil {
		return nil, err
	}
	return addEncoded(reflect.Kind(k), old, r.in.Rest())
}

func encodeUint(n int) []byte {
	e := transport.NewEncoder(nil)
	e.Uint(uint64(n))
	return e.Bytes()
}
