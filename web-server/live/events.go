package live

import "github.com/waymark-gps/waymark/data"

// maxEvents bounds the events that wait for one socket; of more the oldest are
// dropped. A client that needs all of them asks the API.
const maxEvents = 256

// event is one encoded event of a device, 0 for none.
type event struct {
	deviceID int64
	json     []byte
}

// onNotice takes from the bus an event that one user is to be told. Those of no
// device are for the user alone, and so always seen.
func (h *Hub) onNotice(n data.Notice) {
	h.mu.Lock()
	sockets := h.sockets
	h.mu.Unlock()
	for _, s := range sockets {
		if s.userID == n.UserID {
			s.offerEvent(event{n.DeviceID, n.Event})
		}
	}
}

// offerEvent adds an event to what waits, if it may be seen. It never blocks.
func (s *socket) offerEvent(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.open != nil || (e.deviceID != 0 && !s.viewer.CanSee(e.deviceID)) {
		return
	}
	if n := len(s.next.events); n >= maxEvents {
		s.next.events = append(s.next.events[:0], s.next.events[n-maxEvents+1:]...)
	}
	s.next.events = append(s.next.events, e)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
