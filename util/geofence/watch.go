package geofence

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// Visit is a fence in which a device is.
type Visit struct {
	Fence int64
	// Since is when it came in, milliseconds since 1970 UTC.
	Since int64
	// Dwelt: that it stayed for long has been said.
	Dwelt bool
}

// State is in which fences a device is; the zero State is that of a new device.
// It belongs to one goroutine.
type State struct {
	visits []Visit // by Fence
	known  bool
	last   Point
}

// Visits are the fences in which the device is, by ID. The slice is the state's.
func (s *State) Visits() []Visit { return s.visits }

// Inside tells whether the device is in a fence, and since when (milliseconds
// since 1970 UTC).
func (s *State) Inside(fence int64) (since int64, inside bool) {
	i, ok := slices.BinarySearchFunc(s.visits, fence, byFence)
	if !ok {
		return 0, false
	}
	return s.visits[i].Since, true
}

func byFence(v Visit, fence int64) int {
	switch {
	case v.Fence < fence:
		return -1
	case v.Fence > fence:
		return 1
	}
	return 0
}

// EventKind is what happened at a fence.
type EventKind uint8

// The kinds of an Event.
const (
	// Enter and Exit: it came in, it left.
	Enter EventKind = iota
	Exit
	// Dwell: it has been inside for Fence.Dwell. Once for each visit.
	Dwell
	// Cross: between two reports it must have passed through.
	Cross
)

// String is the kind's name.
func (k EventKind) String() string { return [...]string{"enter", "exit", "dwell", "cross"}[k] }

// Event is what happened at a fence.
type Event struct {
	Kind  EventKind
	Fence int64
	// Time is when, and Since when the visit began, which Exit and Dwell have:
	// milliseconds since 1970 UTC.
	Time, Since int64
}

// Watcher finds what happens at fences, report by report. It holds room to work
// in and no state of devices: one serves all devices of a goroutine.
type Watcher struct {
	// MarginM is how far outside a fence a device may be without having left.
	MarginM float64
	// MaxCrossM is the longest way between two reports that is looked through for
	// fences crossed; 0 switches that off.
	MaxCrossM float64

	hits, crossed []int64
	stay          []Visit
}

// NewWatcher makes a Watcher with a margin of 30 m, which flutter of a fix in
// the open does not pass, that looks through ways of up to 100 km.
func NewWatcher() *Watcher { return &Watcher{MarginM: 30, MaxCrossM: 100_000} }

// Step takes a device's next kept place, in the order of time, and appends what
// happened. Visits to fences that have gone from the index or the set end
// without an event.
func (w *Watcher) Step(ix *Index, s *State, p Point, of *Set, dst []Event) []Event {
	q := newQuery(p)
	if !q.ok {
		return dst
	}
	w.hits = ix.Find(w.hits[:0], p, of)
	dst = w.cross(ix, s, p, of, dst)
	margin := max(w.MarginM, p.AccuracyM)
	w.stay = w.stay[:0]
	hits, visits := w.hits, s.visits
	for len(hits) > 0 || len(visits) > 0 {
		switch {
		case len(visits) == 0 || len(hits) > 0 && hits[0] < visits[0].Fence:
			dst = append(dst, Event{Enter, hits[0], p.Time, p.Time})
			w.stay = append(w.stay, Visit{Fence: hits[0], Since: p.Time})
			hits = hits[1:]
			continue
		case len(hits) > 0 && hits[0] == visits[0].Fence:
			w.stay = append(w.stay, visits[0])
			hits = hits[1:]
		default:
			n, ok := ix.find(visits[0].Fence)
			switch {
			case !ok || !of.has(n):
			case ix.fences[n].high(p.AltitudeM) && ix.near(&ix.fences[n], &q, margin):
				w.stay = append(w.stay, visits[0])
			default:
				dst = append(dst, Event{Exit, visits[0].Fence, p.Time, visits[0].Since})
			}
		}
		visits = visits[1:]
	}
	s.visits = append(s.visits[:0], w.stay...)
	s.known, s.last = true, p
	return s.Dwelling(ix, p.Time, dst)
}

// cross appends the fences between two places that hold neither.
func (w *Watcher) cross(ix *Index, s *State, p Point, of *Set, dst []Event) []Event {
	if !s.known || w.MaxCrossM <= 0 || p.Lat == s.last.Lat && p.Lon == s.last.Lon {
		return dst
	}
	a, b := toVector(s.last.Lat, s.last.Lon), toVector(p.Lat, p.Lon)
	if apart(&a, &b) > w.MaxCrossM {
		return dst
	}
	w.crossed = ix.Crossed(w.crossed[:0], s.last, p, of)
	for _, id := range w.crossed {
		if _, was := s.Inside(id); was || slices.Contains(w.hits, id) {
			continue
		}
		dst = append(dst, Event{Cross, id, p.Time, 0})
	}
	return dst
}

// Dwelling appends what a clock shows at a time (milliseconds since 1970 UTC)
// without a new report: visits that have lasted long enough. Step does the same.
func (s *State) Dwelling(ix *Index, now int64, dst []Event) []Event {
	for i := range s.visits {
		v := &s.visits[i]
		if v.Dwelt {
			continue
		}
		if n, ok := ix.find(v.Fence); ok && ix.fences[n].dwell > 0 && now-v.Since >= ix.fences[n].dwell {
			v.Dwelt = true
			dst = append(dst, Event{Dwell, v.Fence, v.Since + ix.fences[n].dwell, v.Since})
		}
	}
	return dst
}

const (
	version = 1
	// maxVisits bounds a saved state: more fences than hold any place.
	maxVisits = 100_000
)

// Append appends the state as it is saved: some 30 bytes and 8 for each visit.
func (s *State) Append(b []byte) []byte {
	b = append(b, version)
	if !s.known {
		return append(b, 0)
	}
	b = binary.AppendVarint(append(b, 1), s.last.Time)
	for _, f := range [...]float64{s.last.Lat, s.last.Lon, s.last.AltitudeM, s.last.AccuracyM} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	b = binary.AppendUvarint(b, uint64(len(s.visits)))
	var fence int64
	for _, v := range s.visits {
		b = binary.AppendVarint(b, v.Fence-fence)
		fence = v.Fence
		dwelt := int64(0)
		if v.Dwelt {
			dwelt = 1
		}
		b = binary.AppendVarint(b, (s.last.Time-v.Since)<<1|dwelt)
	}
	return b
}

// Decode reads a saved state. An error wraps data.ErrInvalid; the device then
// begins anew and enters the fences it is in.
func Decode(b []byte) (State, error) {
	var s State
	bad := fmt.Errorf("read a saved geofence state of %d bytes: it is damaged or of another version: %w", len(b), data.ErrInvalid)
	if len(b) < 2 || b[0] != version || b[1] > 1 {
		return s, bad
	}
	s.known = b[1] == 1
	b = b[2:]
	if !s.known {
		if len(b) != 0 {
			return State{}, bad
		}
		return s, nil
	}
	ok := true
	varint := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			ok = false
			return 0
		}
		b = b[n:]
		return v
	}
	s.last.Time = varint()
	if len(b) < 4*8 {
		return State{}, bad
	}
	for i, f := range [...]*float64{&s.last.Lat, &s.last.Lon, &s.last.AltitudeM, &s.last.AccuracyM} {
		*f = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	b = b[4*8:]
	n, size := binary.Uvarint(b)
	if size <= 0 || n > maxVisits || n > uint64(len(b)) {
		return State{}, bad
	}
	b = b[size:]
	var fence int64
	for range n {
		step, since := varint(), varint()
		if !ok || step <= 0 {
			return State{}, bad
		}
		fence += step
		s.visits = append(s.visits, Visit{fence, s.last.Time - since>>1, since&1 == 1})
	}
	if !ok || len(b) != 0 || math.IsNaN(s.last.Lat+s.last.Lon) {
		return State{}, bad
	}
	return s, nil
}
