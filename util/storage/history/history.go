package history

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
)

// Devices is what retention asks of the rest of the store.
type Devices interface {
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
}

// Store is storage.Positions on a back end.
type Store struct {
	backend   Backend
	devices   Devices
	log       *slog.Logger
	now       func() time.Time
	retention Retention
	observe   func(Compaction)

	nextTidy time.Time // of Maintain's goroutine

	mu       sync.Mutex
	reported map[string]bool // damage that was logged, see damaged
}

var _ storage.Positions = (*Store)(nil)

// Option changes a Store from its defaults.
type Option func(*Store)

// WithRetention says how long history is kept; without it, for ever.
func WithRetention(r Retention) Option { return func(s *Store) { s.retention = r } }

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// WithObserver has f called after each portion that was compacted, for metrics.
func WithObserver(f func(Compaction)) Option { return func(s *Store) { s.observe = f } }

// New returns a store of positions on a back end. devices knows the attributes
// that change retention.
func New(backend Backend, devices Devices, log *slog.Logger, options ...Option) *Store {
	s := &Store{
		backend: backend, devices: devices, log: log, now: time.Now,
		observe: func(Compaction) {}, reported: make(map[string]bool),
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// Backend is what the store stands on.
func (s *Store) Backend() Backend { return s.backend }

// decode reads what a row holds.
func decode(r *Row) (data.Position, error) {
	found, err := wire.Parse(r.Position)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%d positions in a row", len(found))
	}
	if err != nil {
		return data.Position{}, fmt.Errorf("position %d of device %d at %s: %w: %v",
			r.Number, r.DeviceID, clock(r.Time), block.ErrCorrupt, err)
	}
	p := found[0]
	p.ID, p.DeviceID = ID(r.DeviceID, r.Number), r.DeviceID
	return p, nil
}

// clock shows milliseconds to people.
func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }

// unreadable says which block cannot be read.
func unreadable(b *Block, err error) error {
	return fmt.Errorf("history of device %d, month %s, hour %s (%d positions): %w", b.DeviceID,
		time.UnixMilli(Month(b.First)).UTC().Format("2006-01"), time.UnixMilli(Hour(b.First)).UTC().Format("2006-01-02 15:00"), b.Points, err)
}

// maxReported bounds the damage that is remembered as logged.
const maxReported = 1000

// damaged logs an error about something that cannot be read, once.
func (s *Store) damaged(err error) {
	text := err.Error()
	s.mu.Lock()
	known := s.reported[text]
	if len(s.reported) < maxReported {
		s.reported[text] = true
	}
	s.mu.Unlock()
	if !known {
		s.log.Error("stored history cannot be read", "err", err)
	}
}

// millis is a time as it is kept: what wire calls none is none, and a clock out
// of its mind counts as the end of the years that can be written.
func millis(t time.Time) int64 {
	ms := t.UnixMilli()
	if ms == 0 {
		return ZeroTime
	}
	return min(max(ms, ZeroTime), maxTime)
}

var maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli()

// kept is t as millis keeps it.
func kept(t time.Time) time.Time { return time.UnixMilli(millis(t)).UTC() }
