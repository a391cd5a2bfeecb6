package tracking

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// sightingsEvery is how often sightings are written down.
	sightingsEvery = 2 * time.Second
	// sightingsTimeout bounds one writing.
	sightingsTimeout = 10 * time.Second
	// maxSeen bounds the devices that wait to be written down.
	maxSeen = 200_000
	// returnTime is how long a device has to connect again, as devices do that
	// lose the network for a moment, before it counts as disconnected.
	returnTime = 15 * time.Second
)

// sightings remembers who spoke without leaving a position: strangers, and
// devices that only said that they are alive. It is written down now and then,
// so that neither a flood of strangers nor many heartbeats burden the store.
type sightings struct {
	store Store
	bus   Announcer
	log   *slog.Logger
	now   func() time.Time

	mu sync.Mutex
	// strangers are kept after they are written down, for their first frames.
	strangers map[strangerKey]*stranger
	seen      map[int64]time.Time
	// closed are connections that were closed lately.
	closed map[int64]data.Disconnection
	// ending says that it is we who close connections.
	ending bool
}

type strangerKey struct{ protocol, uniqueID string }

// stranger is one of them. Its count is what was not written down yet.
type stranger struct {
	data.UnknownDevice
	changed bool
}

func newSightings(deps Deps) *sightings {
	return &sightings{
		store: deps.Store, bus: deps.Bus, log: deps.Log, strangers: map[strangerKey]*stranger{}, seen: map[int64]time.Time{},
		closed: map[int64]data.Disconnection{}, now: deps.Now,
	}
}

// device notes that a registered device spoke.
func (s *sightings) device(id int64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) < maxSeen {
		s.seen[id] = now
	}
}

// left notes that a connection of a device was closed.
func (s *sightings) left(id int64, c data.Disconnection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.closed[id]
	if s.ending || ok && old.Spoke.After(c.Spoke) || !ok && len(s.closed) >= maxSeen {
		return
	}
	s.closed[id] = c
}

// end says that connections end from now on because we go away, which tells
// nothing about devices.
func (s *sightings) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = true
	clear(s.closed)
}

// disconnect writes down who has not come back. Those that have, by whatever
// way, the store knows.
func (s *sightings) disconnect(ctx context.Context) {
	due := map[int64]data.Disconnection{}
	s.mu.Lock()
	for id, c := range s.closed {
		if s.now().Sub(c.At) >= returnTime {
			due[id] = c
		}
	}
	s.mu.Unlock()
	if len(due) == 0 {
		return
	}
	if err := s.store.DisconnectDevices(ctx, due); err != nil {
		s.log.Warn("note disconnected devices", "devices", len(due), "err", err)
		return // again the next time
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range due {
		if s.closed[id] == c {
			delete(s.closed, id)
		}
	}
}

// stranger notes that an unregistered device spoke.
func (s *sightings) stranger(p *protocol.Protocol, uniqueID, remote string, frame []byte, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.find(strangerKey{p.Name, uniqueID}, storage.MaxUnknownDevices, now); u != nil {
		u.spoke(remote, covered(p, frame), now)
	}
}

// unrecognised notes that a peer spoke that nobody understands.
func (s *sightings) unrecognised(remote net.Addr, first []byte, guesses []string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.find(strangerKey{"", addressOf(remote).Addr().Unmap().String()}, storage.MaxUnrecognised, now); u != nil {
		u.spoke(remote.String(), masked(first), now)
		u.Guesses = guesses
	}
}

// reported notes what a stranger reported, its last position. Devices that are
// no strangers are not meant.
func (s *sightings) reported(protocolName, uniqueID string, positions []data.Position) {
	if len(positions) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.strangers[strangerKey{protocolName, uniqueID}]; u != nil {
		u.Preview = positions[len(positions)-1].AppendJSON(nil)
		u.changed = true
	}
}

// sent notes another frame of a stranger.
func (s *sightings) sent(p *protocol.Protocol, uniqueID string, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.strangers[strangerKey{p.Name, uniqueID}]; u != nil {
		u.keep(covered(p, frame))
	}
}

// find returns the stranger of a key. At most limit are kept of its kind: the one
// longest unseen makes room, if it has been written down. The caller holds s.mu.
func (s *sightings) find(key strangerKey, limit int, now time.Time) *stranger {
	if u := s.strangers[key]; u != nil {
		return u
	}
	var oldest *strangerKey
	kind := 0
	for k, u := range s.strangers {
		if (k.protocol == "") != (key.protocol == "") {
			continue
		}
		kind++
		if !u.changed && (oldest == nil || u.LastSeen.Before(s.strangers[*oldest].LastSeen)) {
			oldest = &k
		}
	}
	switch {
	case kind < limit:
	case oldest == nil:
		return nil
	default:
		delete(s.strangers, *oldest)
	}
	u := &stranger{UnknownDevice: data.UnknownDevice{UniqueID: key.uniqueID, Protocol: key.protocol, FirstSeen: now}}
	s.strangers[key] = u
	return u
}

func (u *stranger) spoke(remote string, frame []byte, now time.Time) {
	u.Address, u.LastSeen, u.changed = remote, now, true
	u.Count++
	u.LastFrame = frame[:min(len(frame), data.MaxUnknownFrame)]
	u.keep(frame)
}

// keep adds one of the first different frames.
func (u *stranger) keep(frame []byte) {
	frame = frame[:min(len(frame), data.MaxUnknownFrame)]
	if len(u.Frames) < data.MaxUnknownFrames && !slices.ContainsFunc(u.Frames, func(f []byte) bool { return bytes.Equal(f, frame) }) {
		u.Frames = append(u.Frames[:len(u.Frames):len(u.Frames)], frame)
		u.changed = true
	}
}

// run writes sightings down until ctx ends, and then once more.
func (s *sightings) run(ctx context.Context) {
	tick := time.NewTicker(sightingsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.write()
		case <-ctx.Done():
			s.write()
			return
		}
	}
}

func (s *sightings) write() {
	s.mu.Lock()
	seen := s.seen
	s.seen = map[int64]time.Time{}
	var strangers []data.UnknownDevice
	for _, u := range s.strangers {
		if u.changed {
			strangers = append(strangers, u.UnknownDevice)
			u.changed, u.Count = false, 0
		}
	}
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), sightingsTimeout)
	defer cancel()
	if len(seen) > 0 {
		if err := s.store.TouchDevices(ctx, seen); err != nil {
			s.log.Warn("note devices seen", "devices", len(seen), "err", err)
		}
		if err := s.bus.PublishSeen(seen); err != nil {
			s.log.Warn("tell which devices were seen", "devices", len(seen), "err", err)
		}
	}
	s.disconnect(ctx)
	if len(strangers) > 0 {
		if err := s.store.RecordUnknownDevices(ctx, strangers); err != nil {
			s.log.Warn("note unknown devices", "devices", len(strangers), "err", err)
		}
	}
}

// listen reads what a refused device has sent beside what it was refused for:
// only for the list of strangers, nothing of it is stored or answered.
func (s *session) listen(buf []byte, identity string, now time.Time) {
	for range data.MaxUnknownFrames {
		frame, n, err := s.codec.Next(buf)
		if err != nil || n <= 0 {
			return
		}
		buf = buf[min(n, len(buf)):]
		if frame == nil {
			continue
		}
		packet, err := s.codec.Decode(frame, now)
		if err != nil || packet.Identity != "" && packet.Identity != identity {
			return
		}
		s.t.sightings.sent(&s.protocol, identity, frame)
		s.t.sightings.reported(s.protocol.Name, identity, packet.Positions)
	}
}

// positionsOf are the positions of device i of a packet.
func positionsOf(packet *data.Packet, i int) []data.Position {
	if i == 0 {
		return packet.Positions
	}
	return packet.More[i-1].Positions
}
