package bus

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"time"
)

const (
	// leaseSubject says that leases have moved: whoever hears it looks at the
	// table. It is only a hint, each looks every beat anyway.
	leaseSubject = "waymark.leases"
	// beat is how often a member of a group renews its leases.
	beat = time.Second
	// holdFor is how long a member trusts its leases after it sent the renewal
	// that succeeded last.
	holdFor = 5 * time.Second
	// silentFor is how long the others must have seen no renewal before they
	// take the leases. It is longer than holdFor by what two clocks may differ
	// in speed and by what a transaction takes to be given up.
	silentFor = 6500 * time.Millisecond
	// beatTimeout bounds one try to renew.
	beatTimeout = 1500 * time.Millisecond
	// leaveTimeout bounds the wait to be written off: who is not has his leases
	// run out, which takes the others longer.
	leaveTimeout = 5 * time.Second
	// beatTries bounds the tries when several members write at once.
	beatTries = 8
)

// slots is a set of the numbers 0 to 63: the shards, or 0 alone for the lead.
type slots uint64

func allSlots(n int) slots { return slots(1)<<n - 1 }

func (s slots) len() int { return bits.OnesCount64(uint64(s)) }

// lowest returns the n lowest numbers of s.
func (s slots) lowest(n int) (out slots) {
	for ; n > 0 && s != 0; n-- {
		low := s & -s
		out |= low
		s &^= low
	}
	return out
}

func (s slots) has(i int) bool { return s>>i&1 == 1 }

// MarshalText writes the set as a hexadecimal number, for people who look.
func (s slots) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *slots) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 16, 64)
	*s = slots(n)
	return err
}

// table is the value under a group's key: who is there and who holds what. It
// is only ever replaced as a whole, by a write that fails if somebody else has
// written since it was read.
type table map[string]seat

type seat struct {
	// Beat grows with every try to renew.
	Beat  uint64 `json:"beat"`
	Slots slots  `json:"slots"`
}

func (t table) taken() (s slots) {
	for _, m := range t {
		s |= m.Slots
	}
	return s
}

// sighting is when a member's renewal was seen, by our monotonic clock.
type sighting struct {
	beat uint64
	at   time.Time
}

// member is what one process knows of a group, and decides. It takes times,
// never asks for them.
type member struct {
	id   string
	size int // number of slots
	beat uint64
	seen map[string]sighting

	// owned is what the table says is ours, assigned what of it we may keep.
	owned, assigned slots
	// working is what is being worked on; it is given away only when it is done.
	working slots
	// until is when what we own stops being ours if it is not renewed.
	until time.Time
	// tenure changes whenever what we owned may have been worked on by others.
	tenure int
}

// plan returns the table as it should be next, with our renewal.
func (m *member) plan(t table, now time.Time) (next table, assigned slots) {
	next = maps.Clone(t)
	if next == nil {
		next = table{}
	}
	m.expelSilent(next, now)
	me := next[m.id] // empty if we are new, or were expelled
	m.beat++         // never one it had before, even if it was expelled
	me.Beat = m.beat
	next[m.id] = me

	quota := m.quota(next)
	keep := me.Slots.lowest(quota)
	me.Slots = keep | me.Slots&m.working
	next[m.id] = me
	// What we work on without owning it was taken from us: it must be put down
	// before it can be ours again.
	free := allSlots(m.size) &^ next.taken() &^ m.working
	take := free.lowest(quota - keep.len())
	me.Slots |= take
	next[m.id] = me
	return next, keep | take
}

// expelSilent removes those who have not renewed for long enough that they
// have stopped. Only time counts in which we could have seen a renewal.
func (m *member) expelSilent(t table, now time.Time) {
	for id, s := range t {
		if id == m.id {
			continue
		}
		switch last, ok := m.seen[id]; {
		case !ok || last.beat != s.Beat:
			m.seen[id] = sighting{s.Beat, now}
		case now.Sub(last.at) >= silentFor:
			delete(t, id)
		}
	}
	maps.DeleteFunc(m.seen, func(id string, _ sighting) bool { _, ok := t[id]; return !ok })
}

// quota is our even share. Where it does not come out even, those who hold
// more already keep more, so that nothing moves without need.
func (m *member) quota(t table) int {
	low, rest := m.size/len(t), m.size%len(t)
	ids := slices.SortedFunc(maps.Keys(t), func(a, b string) int {
		return cmp.Or(cmp.Compare(min(t[b].Slots.len(), low+1), min(t[a].Slots.len(), low+1)), cmp.Compare(a, b))
	})
	if slices.Index(ids, m.id) < rest {
		return low + 1
	}
	return low
}

// written takes note that next, planned and sent at a time, is the table now.
func (m *member) written(before, next table, assigned slots, sent, now time.Time) {
	if _, in := before[m.id]; m.owned != 0 && (!in || !now.Before(m.until)) {
		m.tenure++
	}
	m.owned, m.assigned, m.until = next[m.id].Slots, assigned, sent.Add(holdFor)
}

// due is what may be worked on now.
func (m *member) due(now time.Time) slots {
	if !now.Before(m.until) {
		return 0
	}
	return m.assigned
}
