package mapreduce

import "time"

// lastWordTime is how long a process may take to exit after its last word. It has nothing to do
// then, and nothing is lost if it is killed.
const lastWordTime = 10 * time.Second

// saidLastWord handles a worker's last word: it passes on what the worker has printed and logged,
// and tells the [Process]. A pool needs to know only when its workers were reaped.
func (l *link) saidLastWord() {
	if l.name == "" {
		return
	}
	l.process.HasParted()
	l.logs.drain()
	l.host.inbox.put(event{kind: evDone, link: l})
}

// settle makes known that the task is done and its process as good as ended: nobody can end or
// signal it any more. It goes on to be reaped.
func (c *child) settle() {
	if !c.answered || c.steps > 0 || !c.Alive() {
		return // its end decides, or it has said its last word before
	}
	c.fail(c.failure())
	c.timer.Reset(lastWordTime)
	close(c.done)
}
