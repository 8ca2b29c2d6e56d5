package transport

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// appendMessage appends producer, number, some bytes derived from them and a checksum of all that.
func appendMessage(b []byte, producer, number int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(producer))
	b = binary.LittleEndian.AppendUint32(b, uint32(number))
	for i := range number * 7 % 300 {
		b = append(b, byte(producer+number+i))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// A tally records which messages arrived.
type tally struct {
	mu   sync.Mutex
	seen map[int]map[int]bool // producer, number
	last map[int]int
}

func newTally() *tally { return &tally{seen: map[int]map[int]bool{}, last: map[int]int{}} }

func (y *tally) add(tb testing.TB, b []byte) {
	n := len(b) - 4
	if n < 8 || crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		tb.Errorf("a message of %d bytes is corrupt", len(b))
		return
	}
	p, i := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:]))
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.seen[p] == nil {
		y.seen[p] = map[int]bool{}
	}
	if y.seen[p][i] {
		tb.Errorf("message %d of producer %d came twice", i, p)
	}
	y.seen[p][i] = true
	y.last[p] = max(y.last[p], i)
}

// A strand is the argument of a helper in the kill test.
type strand struct {
	In, Out  *Queue[[]byte]
	Producer int
}

func init() {
	helpers["produce"] = func(arg *Decoder) {
		var s strand
		if err := arg.mp.Decode(&s); err != nil {
			panic(err)
		}
		ready()
		for n := 0; ; n++ {
			if err := s.In.Put(context.Background(), appendMessage(nil, s.Producer, n)); err != nil {
				panic(err)
			}
		}
	}
	helpers["pass"] = func(arg *Decoder) {
		var s strand
		if err := arg.mp.Decode(&s); err != nil {
			panic(err)
		}
		ready()
		for b, err := range s.In.All(context.Background()) {
			if err != nil {
				panic(err)
			}
			if err := s.Out.Put(context.Background(), b); err != nil {
				panic(err)
			}
		}
	}
}

// Producers and consumers are killed at random. Each message comes out complete and once; the only
// ones lost are those that a killed consumer had taken.
func TestQueueSurvivesKills(t *testing.T) {
	const kills, producers, consumers, least = 300, 2, 2, 100_000
	in, out := mustQueue[[]byte](t, 0, QueueBytes(64<<10)), mustQueue[[]byte](t, 0, QueueBytes(64<<10))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	got := newTally()
	var getting sync.WaitGroup
	came := make(chan bool, 1)
	getting.Go(func() {
		for b, err := range out.All(ctx) {
			if err != nil {
				t.Errorf("Get: %v", err)
				return
			}
			got.add(t, b)
			select {
			case came <- true:
			default:
			}
		}
	})
	next := 0
	start := func(i int) *helperProcess {
		if i >= producers {
			return startHelper(t, "pass", strand{in, out, 0})
		}
		next++
		return startHelper(t, "produce", strand{in, out, next})
	}
	all := make([]*helperProcess, producers+consumers)
	for i := range all {
		all[i] = start(i)
	}
	random := rand.New(rand.NewPCG(3, 3))
	consumersKilled := 0
	for range kills {
		i := random.IntN(len(all))
		time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond) // so that it is killed anywhere
		all[i].kill(t)
		if i >= producers {
			consumersKilled++
		}
		all[i] = start(i)
		select { // the others go on
		case <-came:
		case <-ctx.Done():
			t.Fatal("no message comes any more")
		}
	}
	for _, p := range all[:producers] {
		p.kill(t)
	}
	mustNot(t, in.Close())
	for _, c := range all[producers:] {
		c.end(t)
	}
	mustNot(t, out.Close())
	getting.Wait()
	total, lost := 0, 0
	for p, seen := range got.seen {
		total += len(seen)
		lost += got.last[p] + 1 - len(seen)
	}
	t.Logf("%d messages of %d producers, %d lost with %d consumers that were killed", total, len(got.seen), lost, consumersKilled)
	if lost > consumersKilled {
		t.Errorf("%d messages are lost, and only %d consumers were killed", lost, consumersKilled)
	}
	if total < least {
		t.Errorf("only %d messages came", total)
	}
}
