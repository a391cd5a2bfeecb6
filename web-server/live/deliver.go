package live

import (
	"time"

	"github.com/waymark-gps/waymark/data"
)

// onPositions takes stored positions from the bus.
func (h *Hub) onPositions(positions []data.Position) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	latest, unknown := h.fleet.take(positions)
	for _, id := range unknown {
		h.devices[id] = struct{}{}
	}
	if len(unknown) > 0 {
		h.poke()
	}
	if len(h.sockets) == 0 {
		return
	}
	// One buffer for the batch, as large as the last one was.
	buf := make([]byte, 0, h.fleet.batchBytes)
	h.positions, h.states = h.positions[:0], h.states[:0]
	for _, i := range latest {
		p := &positions[i]
		start := len(buf)
		buf = p.AppendJSON(buf)
		h.positions = append(h.positions, frame{deviceID: p.DeviceID, start: start, end: len(buf)})
		if d := h.fleet.devices[p.DeviceID]; d != nil && d.due(now) {
			buf = h.announce(buf, d, now)
		}
	}
	h.fleet.batchBytes = len(buf)
	h.deliver(buf)
}

// onSeen takes from the bus which devices spoke without leaving a position.
func (h *Hub) onSeen(seen map[int64]time.Time) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	var buf []byte
	h.positions, h.states = h.positions[:0], h.states[:0]
	for id, at := range seen {
		d := h.fleet.devices[id]
		if d == nil || !at.After(d.LastUpdate) {
			continue
		}
		d.LastUpdate, d.changed = at, true
		if d.due(now) {
			buf = h.announce(buf, d, now)
		}
	}
	h.deliver(buf)
}

// announce appends a device to the next deliver.
func (h *Hub) announce(buf []byte, d *device, now time.Time) []byte {
	d.announced, d.status, d.changed = now, d.Status(now), false
	if len(h.sockets) == 0 {
		return buf
	}
	buf, h.states = appendState(buf, h.states, &d.Device, now)
	return buf
}

// appendState appends a device as its readers see it: once, or, if it has
// secrets, for those who may change it and for the others.
func appendState(buf []byte, states []frame, d *data.Device, now time.Time) ([]byte, []frame) {
	whom := allReaders
	if d.HasSecrets() {
		whom = editors
		start := len(buf)
		buf = d.WithoutSecrets().AppendJSON(buf, now)
		states = append(states, frame{d.ID, start, len(buf), onlookers})
	}
	start := len(buf)
	buf = d.AppendJSON(buf, now)
	return buf, append(states, frame{d.ID, start, len(buf), whom})
}

// deliver offers h.positions and h.states, which lie in buf, to every socket.
// buf belongs to the sockets afterwards. The caller holds h.mu.
func (h *Hub) deliver(buf []byte) {
	if len(h.positions)+len(h.states) == 0 {
		return
	}
	for _, s := range h.sockets {
		s.offer(buf, h.positions, h.states)
	}
}

// announceDue announces devices whose turn has come and returns those that
// seem to have fallen silent. The caller holds h.mu.
func (h *Hub) announceDue(now time.Time) (silent []int64) {
	var buf []byte
	h.positions, h.states = h.positions[:0], h.states[:0]
	for id, d := range h.fleet.devices {
		switch {
		case d.due(now):
			buf = h.announce(buf, d, now)
		case d.status == data.StatusOnline && d.Status(now) != data.StatusOnline:
			silent = append(silent, id)
		}
	}
	h.deliver(buf)
	return silent
}
