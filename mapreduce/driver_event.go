package mapreduce

import "time"

// event is something that the supervisor is told.
type event struct {
	kind eventKind
	link *link
	call *call
	n    int           // evAnswer: bytes of arguments and results; evRetry: the item; evFill: the place
	work time.Duration // evAnswer
	err  error

	sent   int        // evAnswer: bytes of arguments
	failed TaskErrors // evAnswer: items that failed
	key    string     // evAnswer: of a slow item
	late   bool       // evAnswer: the answer of the copy counted, and this one was ignored
	stats  chan Stats // evStats
}

type eventKind int

const (
	evReady  eventKind = iota // link's worker said hello
	evAnswer                  // link's worker answered its oldest chunk; the results are placed
	evDone                    // link's process said its last word, and what it printed and logged was passed on
	evLost                    // link's worker ended or could not be started: err
	evFill                    // the pause before place n is filled again is over
	evLeft                    // a worker that had place n ended
	evSubmit                  // call begins
	evFlow                    // call, of an Imap, has more items or more room
	evRetry                   // the pause before an item is tried again is over
	evCancel                  // call is cancelled: err
	evResize                  // the pool must have n workers
	evStats                   // a caller wants the numbers
	evLook                    // the watch must look
	evWaited                  // items of call may have waited too long
	evIdle                    // no call for the pool's idle time, if only n calls ever began
)
