package mapreduce

import (
	"slices"
	"sync"
	"testing"
)

func TestMailboxTakesAllInOrder(t *testing.T) {
	m := newMailbox[int]()
	m.put()
	select {
	case <-m.ready():
		t.Fatal("an empty mailbox is ready")
	default:
	}
	m.put(1)
	m.put(2, 3)
	<-m.ready()
	first := m.take(nil)
	if !slices.Equal(first, []int{1, 2, 3}) {
		t.Errorf("took %v", first)
	}
	m.put(4)
	<-m.ready()
	second := m.take(first)
	if !slices.Equal(second, []int{4}) {
		t.Errorf("took %v", second)
	}
	m.put(5)
	if got := m.take(second); !slices.Equal(got, []int{5}) {
		t.Errorf("took %v", got)
	}
}

// take may find nothing after ready: an earlier take may have taken the announced items.
func TestMailboxMayBeEmpty(t *testing.T) {
	m := newMailbox[int]()
	m.put(1)
	m.take(nil)
	<-m.ready()
	if got := m.take(nil); len(got) > 0 {
		t.Errorf("took %v", got)
	}
	m.put(2)
	<-m.ready()
	if got := m.take(nil); !slices.Equal(got, []int{2}) {
		t.Errorf("took %v", got)
	}
}

// take drops the items that the reader is done with, so that they do not stay in memory.
func TestMailboxForgets(t *testing.T) {
	m := newMailbox[*int]()
	m.put(new(int), new(int))
	first := m.take(nil)
	m.take(first)
	if first[0] != nil || first[1] != nil {
		t.Error("the items are still there")
	}
}

func TestMailboxLosesNothing(t *testing.T) {
	const senders, each = 4, 5000
	m := newMailbox[[2]int]()
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for i := 0; i < each; i += 2 {
				m.put([2]int{sender, i}, [2]int{sender, i + 1})
			}
		})
	}
	var next [senders]int
	var batch [][2]int
	for got := 0; got < senders*each; got += len(batch) {
		<-m.ready()
		batch = m.take(batch)
		for _, item := range batch {
			if item[1] != next[item[0]] {
				t.Fatalf("item %d of sender %d, want %d", item[1], item[0], next[item[0]])
			}
			next[item[0]]++
		}
	}
	sending.Wait()
}
