package bot

import (
	"context"
	"sync"
	"time"
)

const (
	// maxWaiting bounds the updates of one chat that wait; more are dropped. It
	// is above what the quota of a person lets through.
	maxWaiting = 25
	// remembered is how many update ids are kept to drop repeats, far more than
	// one answer of Telegram has.
	remembered = 1000
)

// inbox hands updates to a handler, those of one chat in order, the chats beside
// each other, and knows which are done. It holds no more than one answer of
// Telegram, 100 updates: what is open is asked for again and comes first.
type inbox struct {
	handle func(*update)
	seen   recentIDs
	chats  sync.WaitGroup // a goroutine each
	idle   chan struct{}  // gets a value when the last chat has finished

	mu      sync.Mutex         // guards what follows
	waiting map[int64][]update // by chat; a chat that is here is at work
	order   []int64            // ids from the first that is open on, in order of arrival
	done    map[int64]bool     // those of order that are done
	next    int64              // the offset when nothing is open
}

func newInbox(offset int64, handle func(*update)) *inbox {
	return &inbox{
		handle: handle, next: offset, idle: make(chan struct{}, 1),
		waiting: map[int64][]update{}, done: map[int64]bool{},
	}
}

// add takes an update that is new, and drops one of a chat that has too many
// waiting. It is called by one goroutine and returns why it did not take it,
// "" if it did. No handling begins after work has ended.
func (in *inbox) add(work context.Context, u update) (dropped string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.seen.add(u.id) {
		if in.open(u.id) {
			return "" // asked for again, as it should
		}
		in.next = u.id + 1
		return "repeated"
	}
	in.order = append(in.order, u.id)
	in.next = u.id + 1
	switch waiting, atWork := in.waiting[u.chat]; {
	case !atWork:
		in.waiting[u.chat] = nil
		in.chats.Go(func() { in.work(work, u) })
	case len(waiting) < maxWaiting:
		in.waiting[u.chat] = append(waiting, u)
	default:
		in.done[u.id] = true
		return "dropped"
	}
	return ""
}

// work handles updates of a chat until none waits.
func (in *inbox) work(work context.Context, u update) {
	for more := true; more && work.Err() == nil; {
		in.handle(&u)
		in.mu.Lock()
		in.done[u.id] = true
		waiting := in.waiting[u.chat]
		if more = len(waiting) > 0; more {
			u, in.waiting[u.chat] = waiting[0], waiting[1:]
		} else {
			delete(in.waiting, u.chat)
		}
		if len(in.waiting) == 0 {
			select {
			case in.idle <- struct{}{}:
			default: // one value is enough
			}
		}
		in.mu.Unlock()
	}
}

// offset is the first update that is open, or else the one to come next.
func (in *inbox) offset() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.order) > 0 && in.done[in.order[0]] {
		delete(in.done, in.order[0])
		in.order = in.order[1:]
	}
	if len(in.order) > 0 {
		return in.order[0]
	}
	return in.next
}

// open tells whether an update is in the window that Telegram repeats; mu is
// held.
func (in *inbox) open(id int64) bool {
	for _, o := range in.order {
		if o == id {
			return true
		}
	}
	return false
}

func (in *inbox) busy() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.waiting) > 0
}

// rest waits until no chat is at work, or d is over, or ctx has ended.
func (in *inbox) rest(ctx context.Context, d time.Duration) {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	for in.busy() {
		select {
		case <-in.idle: // may be of an earlier time
		case <-timeout.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// wait waits until all chats have finished, or have stopped because the work
// has ended.
func (in *inbox) wait() { in.chats.Wait() }

// recentIDs remembers the last update ids. It is used by one goroutine.
//
// Ids below the offset are not repeats by themselves: after a week without
// updates Telegram starts again at a random id.
type recentIDs struct {
	ids  map[int64]bool
	ring [remembered]int64
	next int
}

// add returns false if the id is there already.
func (r *recentIDs) add(id int64) bool {
	if r.ids[id] {
		return false
	}
	if r.ids == nil {
		r.ids = make(map[int64]bool, remembered)
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next], r.ids[id] = id, true
	r.next = (r.next + 1) % remembered
	return true
}
