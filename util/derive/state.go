package derive

import (
	"encoding/binary"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// State is where a device stands between two reports. It belongs to one
// goroutine.
type State struct {
	Movement movement.State
	Fences   geofence.State
	Events   events.State

	// due is the next deadline of settings of, 0 if that has to be worked out.
	due int64
	of  *fleet.Settings
	// spot and name are those of the last place that got an address, by the
	// settings named.
	spot  fleet.Spot
	name  string
	named *fleet.Settings
}

// Append appends the state as it is saved.
func (s *State) Append(b []byte) []byte {
	var part [1024]byte
	for _, state := range [...]interface{ Append([]byte) []byte }{&s.Movement, &s.Fences, &s.Events} {
		p := state.Append(part[:0])
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// Decode reads the state of a checkpoint. An error wraps data.ErrInvalid: the
// device's trips have to be rebuilt.
func Decode(c movement.Checkpoint) (*State, error) {
	s := &State{}
	var err error
	b := c.State
	for i := range 3 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, fmt.Errorf("read a checkpoint of %d bytes: it is damaged: %w", len(c.State), data.ErrInvalid)
		}
		part := b[n : n+int(size)]
		b = b[n+int(size):]
		switch i {
		case 0:
			s.Movement, err = movement.Decode(part)
		case 1:
			s.Fences, err = geofence.Decode(part)
		case 2:
			s.Events, err = events.Decode(part)
		}
		if err != nil {
			return nil, fmt.Errorf("read a checkpoint: %w", err)
		}
	}
	s.Movement.Shift(c.Shift)
	return s, nil
}

func (s *State) checkpoint() movement.Checkpoint {
	return movement.Checkpoint{Time: s.Movement.Time(), State: s.Append(nil)}
}

// same tells whether two states of the same time differ at most by their totals.
func (s *State) same(old *State) (more fix.Totals, same bool) {
	more, same = s.Movement.Same(&old.Movement)
	return more, same && string(s.Fences.Append(nil)) == string(old.Fences.Append(nil)) &&
		string(s.Events.Append(nil)) == string(old.Events.Append(nil))
}
