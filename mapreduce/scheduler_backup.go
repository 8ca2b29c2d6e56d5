package mapreduce

import "slices"

// Backups lets idle workers run second copies of the last chunks of a call, which other workers are
// still running. The first answer counts; the context of the other copy is cancelled, and its
// worker is killed if it does not stop within [KillGrace]. This helps against a worker that is slow
// for reasons of its own, as the backup tasks of Dean and Ghemawat's MapReduce (2004) do; the price
// is work that is done twice. Tasks must tolerate that the same item runs twice at the same time.
func Backups() Option {
	return bothFunc(func(o *callOptions) error {
		o.backups = true
		return nil
	})
}

// copies is the state that the two flights of one chunk share.
type copies struct {
	flying int  // how many are neither answered nor lost
	done   bool // one was answered, so the other is useless
}

// assignBackup gives a worker that holds nothing a second copy of the chunk that has been in flight
// longest, of those without a copy.
func (d *scheduler) assignBackup(slot int) bool {
	from, oldest := -1, (*flight)(nil)
	for other := range d.workers {
		flights := d.workers[other].flights
		i := slices.IndexFunc(flights, func(f flight) bool { return f.copies == nil && f.call.mayCopy() })
		if i >= 0 && (oldest == nil || flights[i].serial < oldest.serial) {
			from, oldest = other, &flights[i]
		}
	}
	w := &d.workers[slot]
	if oldest == nil || d.maxTasks > 0 && w.tasks+oldest.size() > d.maxTasks {
		return false
	}
	oldest.copies = &copies{flying: 2}
	d.fly(slot, *oldest)
	d.actions = append(d.actions, action{kind: actCopy, slot: slot, from: from, call: oldest.call, span: oldest.span})
	return true
}

// mayCopy reports whether the call has backups and all its items are at workers or answered.
func (c *callState) mayCopy() bool {
	return c.backups && c.place == 0 && c.ended && c.next == c.have && len(c.again) == 0 && !c.cancelled && !c.finished
}

// land removes a flight from the counts. It reports whether no other flight can still answer its
// items.
func (f *flight) land() (last bool) {
	f.call.held--
	switch {
	case f.copies == nil:
		return true
	case f.copies.done:
		f.call.useless--
		return false
	}
	f.copies.flying--
	return f.copies.flying == 0
}

// alone marks the remaining flight of two as one that may be copied again.
func (d *scheduler) alone(left *copies) {
	if left == nil || left.done {
		return
	}
	for slot := range d.workers {
		for i := range d.workers[slot].flights {
			if f := &d.workers[slot].flights[i]; f.copies == left {
				f.copies = nil
			}
		}
	}
}

// win records that the flight was answered, which makes its copy useless.
func (f *flight) win() {
	if f.copies != nil {
		f.copies.done = true
		f.call.useless += f.copies.flying
	}
}
