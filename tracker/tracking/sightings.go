package tracking

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// sightingsEvery is how often sightings are written down.
	sightingsEvery = 2 * time.Second
	// sightingsTimeout bounds one writing.
	sightingsTimeout = 10 * time.Second
	// maxSeen bounds the devices that wait to be written down.
	maxSeen = 200_000
)

// sightings remembers who spoke without leaving a position: strangers, and
// devices that only said that they are alive. It is written down now and then,
// so that neither a flood of strangers nor many heartbeats burden the store.
type sightings struct {
	store Store
	log   *slog.Logger

	mu        sync.Mutex
	strangers map[strangerKey]*data.UnknownDevice
	seen      map[int64]time.Time
}

type strangerKey struct{ protocol, uniqueID string }

func newSightings(store Store, log *slog.Logger) *sightings {
	return &sightings{store: store, log: log, strangers: map[strangerKey]*data.UnknownDevice{}, seen: map[int64]time.Time{}}
}

// device notes that a registered device spoke.
func (s *sightings) device(id int64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) < maxSeen {
		s.seen[id] = now
	}
}

// stranger notes that an unregistered device spoke.
func (s *sightings) stranger(protocolName, uniqueID, remote string, frame []byte, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strangerKey{protocolName, uniqueID}
	u := s.strangers[key]
	if u == nil {
		if len(s.strangers) >= storage.MaxUnknownDevices {
			return
		}
		u = &data.UnknownDevice{UniqueID: uniqueID, Protocol: protocolName, FirstSeen: now}
		s.strangers[key] = u
	}
	u.Address, u.LastSeen = remote, now
	u.Count++
	u.LastFrame = append(u.LastFrame[:0], frame[:min(len(frame), data.MaxUnknownFrame)]...)
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
	seen, strangers := s.seen, make([]data.UnknownDevice, 0, len(s.strangers))
	for _, u := range s.strangers {
		strangers = append(strangers, *u)
	}
	s.seen, s.strangers = map[int64]time.Time{}, map[strangerKey]*data.UnknownDevice{}
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), sightingsTimeout)
	defer cancel()
	if len(seen) > 0 {
		if err := s.store.TouchDevices(ctx, seen); err != nil {
			s.log.Warn("note devices seen", "devices", len(seen), "err", err)
		}
	}
	if len(strangers) > 0 {
		if err := s.store.RecordUnknownDevices(ctx, strangers); err != nil {
			s.log.Warn("note unknown devices", "devices", len(strangers), "err", err)
		}
	}
}
