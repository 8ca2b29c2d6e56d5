package schedule

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A schedulerModel drives a scheduler as a pool would, with workers that are only queues, and knows
// where every item should be. It reads what happens from script, so that the fuzzer can choose it.
type schedulerModel struct {
	t      testing.TB
	script []byte
	s      Scheduler
	ready  []bool
	queues [][]modelFlight // by worker: sent and not answered
	calls  []*modelCall
	log    []string // all actions

	awaited bool // an answer is on its way, because of which a worker got no copy
}

type modelFlight struct {
	call *modelCall
	Span
	answered *bool // of two copies: whether one was answered; nil: there is no other
}

func (f *modelFlight) useless() bool { return f.answered != nil && *f.answered }

type modelCall struct {
	number   int
	state    Call
	answers  []int // number of answers, by item
	total    int   // items that the input will have
	delayed  []int // items that wait to be tried again
	sent     int   // items before this one have been sent once
	finishes int
	dead     bool // cancelled or failed
}

const modelWorkers = 4

// next reads a number below n from the script.
func (m *schedulerModel) next(n int) int {
	if len(m.script) == 0 {
		return 0
	}
	b := m.script[0]
	m.script = m.script[1:]
	return int(b) % n
}

func runModel(t testing.TB, script []byte) []string {
	m := &schedulerModel{t: t, script: script, ready: make([]bool, modelWorkers), queues: make([][]modelFlight, modelWorkers)}
	m.s.MaxTasks = []int{0, 0, 3, 60}[m.next(4)]
	for len(m.script) > 0 {
		m.step()
		m.check()
	}
	m.drain()
	return m.log
}

func (m *schedulerModel) step() {
	switch event := m.next(16); event {
	case 0:
		if place := m.next(modelWorkers); !m.ready[place] {
			m.ready[place] = true
			m.s.Ready(place)
		}
	case 1:
		if place := m.next(modelWorkers); m.ready[place] {
			m.lose(place)
		}
	case 2:
		m.submit()
	case 3, 4:
		if c := m.some(); c != nil && !c.state.Ended {
			m.more(c, m.next(40), m.next(4) == 0)
		}
	case 5, 6:
		if c := m.some(); c != nil && c.state.Window > 0 {
			m.s.Consume(&c.state, m.consumable(c, m.next(64)))
		}
	case 7:
		if c := m.some(); c != nil && m.next(4) == 0 {
			m.cancel(c)
		}
	case 8:
		if c := m.some(); c != nil && len(c.delayed) > 0 {
			m.retry(c)
		}
	case 9:
		if m.next(4) == 0 {
			m.s.Drain(m.next(modelWorkers))
		} else if c := m.some(); c != nil && m.next(2) == 0 {
			m.expire(c, m.next(c.total+1))
		}
	default:
		if place := m.next(modelWorkers); len(m.queues[place]) > 0 {
			m.answer(place)
		}
	}
	m.act()
}

// lose kills a worker, while it runs an item that it holds or between two items.
func (m *schedulerModel) lose(place int) {
	queue := m.queues[place]
	m.ready[place], m.queues[place] = false, nil
	for _, f := range queue {
		m.forgetCopy(f)
	}
	if len(queue) == 0 || m.next(4) == 0 {
		m.s.Lost(place, nil, 0, false)
		return
	}
	f := queue[m.next(len(queue))]
	m.s.Lost(place, &f.call.state, f.First+m.next(f.Size()), m.next(8) == 0)
}

// forgetCopy records that one of two unanswered copies was lost, so that the other is an ordinary
// chunk again.
func (m *schedulerModel) forgetCopy(lost modelFlight) {
	if lost.answered == nil || *lost.answered {
		return
	}
	for _, q := range m.queues {
		for i := range q {
			if q[i].answered == lost.answered {
				q[i].answered = nil
			}
		}
	}
}

func (m *schedulerModel) retry(c *modelCall) {
	item := c.delayed[0]
	c.delayed = c.delayed[1:]
	m.s.Retry(&c.state, item)
}

// some returns one of the calls, possibly a finished one.
func (m *schedulerModel) some() *modelCall {
	if len(m.calls) == 0 {
		return nil
	}
	return m.calls[m.next(len(m.calls))]
}

func (m *schedulerModel) submit() {
	c := &modelCall{number: len(m.calls)}
	c.state.Owner = c
	c.state.Retries = m.next(3)
	c.state.Backups = m.next(2) == 0
	c.state.Chunksize = []int{0, 0, 0, 1, 2, 7, 50}[m.next(7)]
	c.state.Direct = m.next(4) == 0
	c.state.Place = max(m.next(4*modelWorkers)-3*modelWorkers+1, 0)
	if m.next(2) == 0 {
		c.state.Window = 4*max(c.state.Chunksize, 1)*modelWorkers + m.next(30)
	} else {
		c.total = m.next(200)
		c.state.Have, c.state.Ended = c.total, true
		c.answers = make([]int, c.total)
	}
	m.calls = append(m.calls, c)
	m.s.Submit(&c.state)
}

func (m *schedulerModel) more(c *modelCall, n int, ended bool) {
	room := c.state.consumed + c.state.Window - c.total // the window bounds the input, too
	c.total += min(n, room)
	c.answers = append(c.answers, make([]int, c.total-len(c.answers))...)
	m.s.More(&c.state, c.total, ended)
}

// consumable returns how far the consumer may be after n more items: it may know of answers before
// the scheduler does.
func (m *schedulerModel) consumable(c *modelCall, n int) int {
	upTo := c.state.consumed
	for ; n > 0 && upTo < c.total && (c.answers[upTo] > 0 || m.first(c, upTo)); n-- {
		upTo++
	}
	return upTo
}

// first reports whether the item is in the chunk that some worker is working on.
func (m *schedulerModel) first(c *modelCall, item int) bool {
	return slices.ContainsFunc(m.queues, func(q []modelFlight) bool {
		return len(q) > 0 && q[0].call == c && q[0].First <= item && item < q[0].End
	})
}

func (m *schedulerModel) answer(place int) {
	f := m.queues[place][0]
	m.awaited = m.awaited && !f.call.state.Backups // after such an answer, all idle workers ask again
	m.queues[place] = m.queues[place][1:]
	if f.useless() {
		m.s.AnsweredLate(place)
		return
	}
	mark(f.call.answers, f.Span)
	if f.answered != nil {
		*f.answered = true
	}
	work := []time.Duration{0, time.Microsecond, 20 * time.Microsecond, 400 * time.Microsecond, 3 * time.Millisecond}[m.next(5)]
	bytes := []int{0, 10, 100 << 10, 100 << 20}[m.next(4)]
	if n := m.s.Answered(place, work*time.Duration(f.Size()), bytes*f.Size()); n != f.Span {
		m.t.Fatalf("the answer of %v is taken for that of %v", f.Span, n)
	}
}

func (m *schedulerModel) cancel(c *modelCall) {
	c.dead = true
	m.s.Cancel(&c.state)
}

func (m *schedulerModel) expire(c *modelCall, upTo int) {
	expired := m.s.Expire(&c.state, upTo)
	if expired.Size() == 0 {
		return
	}
	if c.dead || expired.First < c.sent || expired.End > upTo {
		m.t.Fatalf("%v have expired, the items before %d were sent", expired, c.sent)
	}
	mark(c.answers, expired)
	c.sent = expired.End
}

func TestSchedulerKeepsItsLedger(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 20+random.IntN(600))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		runModel(t, script)
	}
}

func FuzzScheduler(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x01\x02\x00\x01\x80\x08\x00\x01\x01\x08\x01\x01\x01\x01\x00"))
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 4000)] // longer scripts are slower and show nothing new
		log := runModel(t, script)
		if again := runModel(t, script); !slices.Equal(log, again) {
			t.Fatal("the same events led to other actions")
		}
	})
}
