package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"

	"mrrun/transport"
)

// A Mapper is the map step of a job: from one piece of the input it emits any number of pairs of a
// key and a value. Map must not call emit after it has returned, nor from several goroutines at
// once. A key of a string type is read only during the call of emit, so it may be a [Borrowed]
// buffer.
type Mapper[In any, K comparable, V any] interface {
	Map(ctx context.Context, in In, emit func(K, V)) error
}

// A Combiner merges two values of one key into one. It must be associative and commutative: values
// are merged where they are emitted, in any grouping and order.
type Combiner[V any] interface {
	Combine(a, b V) V
}

// A Reducer makes one value from all values of a key, which come in no particular order. After a
// [Combiner] there is one value for each piece of work that emitted the key.
type Reducer[K comparable, V any] interface {
	Reduce(key K, values iter.Seq[V]) V
}

// A Job maps pieces of input to pairs and reduces the pairs by key. It is defined by a struct J of
// parameters with methods: Map ([Mapper]) and at least one of Combine ([Combiner]), which an
// embedded [Sum], [Min] or [Max] replaces, and Reduce ([Reducer]). Each run sends the parameters to
// each worker once. A Job is safe for concurrent use.
type Job[J Mapper[In, K, V], In any, K comparable, V any] struct {
	name    string
	maps    *entry
	reduces *entry

	params *transport.Codec[J]
	in     *transport.Codec[In]
	pairs  pairCodec[K, V]
}

// NewJob registers the job with parameters of type J; the other types follow from its Map. Like
// [Func] it must be called for a package variable or in an init function. It panics, with the line
// to mend, if J, In, K or V would not survive the way to another process, if K is not a key that
// means the same in each process ([transport.CheckKey]), or if J has neither Combine nor Reduce.
func NewJob[J Mapper[In, K, V], In any, K comparable, V any](name string) *Job[J, In, K, V] {
	j := &Job[J, In, K, V]{name: name}
	types := reflect.TypeFor[J]().String() + ": " + reflect.TypeFor[In]().String() + " → " + reflect.TypeFor[K]().String() + ", " +
		reflect.TypeFor[V]().String()
	j.maps = register("", "job "+name, types, 1, j.codecs, j.openMap)
	j.reduces = register("", "job "+name+" (reduce)", types, 1, func(func(string, error)) { j.maps.prepare() }, j.openReduce)
	return j
}

func (j *Job[J, In, K, V]) codecs(refuse func(role string, err error)) {
	var err error
	j.params, err = transport.NewCodec[J]()
	refuse("its parameters:", err)
	j.in, err = transport.NewItemCodec[In]()
	refuse("its input:", err)
	keyType := reflect.TypeFor[K]()
	refuse("its key:", transport.CheckKey(keyType))
	j.pairs.key, err = transport.NewCodec[K]()
	refuse("its key:", err)
	j.pairs.hash, j.pairs.exact = hashOf(keyType), arrivesExact(keyType)
	j.pairs.text = keyType.Kind() == reflect.String
	j.pairs.value, err = transport.NewCodec[V]()
	refuse("its value:", err)

	var zero J
	j.pairs.numbers = numbersOf[K, V](zero)
	if _, reduces := any(zero).(Reducer[K, V]); !reduces && combinerOf[V](zero) == nil {
		refuse(fmt.Sprintf("%T", zero), fmt.Errorf("needs a method Combine(a, b %[2]v) %[2]v or Reduce(key %[1]v, values iter.Seq[%[2]v]) %[2]v, or an embedded Sum, Min or Max of %[2]v",
			keyType, reflect.TypeFor[V]()))
	}
}

// Name returns the name given to [NewJob].
func (j *Job[J, In, K, V]) Name() string { return j.name }

// Run is [Job.Results] for results that fit in memory: it returns the reduced value of each key in
// a map.
func (j *Job[J, In, K, V]) Run(ctx context.Context, p *Pool, params J, in []In, opts ...CallOption) (map[K]V, error) {
	r, err := j.Results(ctx, p, params, in, opts...)
	if err != nil {
		return nil, err
	}
	all, err := r.toMap()
	if err = cmp.Or(err, r.Close()); err != nil {
		return nil, err
	}
	if len(r.lost) > 0 {
		return all, r.lost
	}
	return all, nil
}

// Results maps all of in and returns the reduced values of all keys, which stay in storage until
// the caller closes the result. It blocks until they are there. If a Map fails, Results stops and
// returns its [TaskError], unless [KeepGoing] says otherwise; if a Reduce or a Combine fails, likewise, with the Index -1. Other
// errors are as for [Task.Map]. The options apply to both steps: what [Timeout], [Retries] and
// [MemoryLimit] say about an item applies to a piece of the input in the map step, and to the keys
// that a worker reduces in one go in the reduce step.
//
// Keys are the same if they are equal (==) after they have arrived in another process, as in a map:
// 0 and -0 are one key, and so are two that a type's own methods decode to the same value; two NaNs
// are two keys.
//
// The result is the same for any number of workers, chunk size and order of completion if Combine
// is exactly associative and commutative, and Reduce does not depend on the order of its values.
// The sum of floating-point numbers is not.
func (j *Job[J, In, K, V]) Results(ctx context.Context, p *Pool, params J, in []In, opts ...CallOption) (*Result[K, V], error) {
	o, err := p.callOptions(j.maps, opts)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer p.gate.leave()
	j.maps.prepare()
	s, err := newStorage(p.supervisor.size(), o.budget)
	if err != nil {
		return nil, fmt.Errorf("mapreduce: job %s: %w", j.name, err)
	}
	result, err := j.runSteps(ctx, p, params, in, s, o)
	if err = cmp.Or(err, s.freeRecords()); err != nil {
		return nil, errors.Join(err, s.free())
	}
	return result, nil
}
