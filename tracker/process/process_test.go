package process

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/cache"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

var base = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// memory is a store that can fail.
type memory struct {
	mu     sync.Mutex
	rows   []data.Position
	known  map[[3]uint64]bool
	latest map[int64]data.Position
	fail   int // how many more inserts fail
}

func (m *memory) InsertPositions(_ context.Context, positions []data.Position, fingerprints []uint64, _ storage.Fold) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail > 0 {
		m.fail--
		return data.ErrUnavailable
	}
	for i := range positions {
		key := [3]uint64{uint64(positions[i].DeviceID), uint64(positions[i].DeviceTime.UnixMilli()), fingerprints[i]}
		if m.known[key] {
			continue
		}
		m.known[key] = true
		positions[i].ID = int64(len(m.rows) + 1)
		m.rows = append(m.rows, positions[i])
	}
	return nil
}

func (m *memory) LatestPositions(_ context.Context, ids []int64) (out []data.Position, err error) {
	for _, id := range ids {
		if p, ok := m.latest[id]; ok {
			out = append(out, p)
		}
	}
	return out, nil
}

func (m *memory) stored() []data.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]data.Position(nil), m.rows...)
}

// start runs a processor on a real bus over m until the test ends.
func start(t *testing.T, m *memory) *bus.Bus {
	t.Helper()
	m.known = map[[3]uint64]bool{}
	b, err := bus.Open(t.Context(), bus.DefaultConfig(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	source, err := b.ConsumePositions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := New(Deps{
		Source: source, Store: m, Live: b,
		Last: cache.NewLast(m, 100, func() time.Time { return base }),
		Log:  slog.New(slog.DiscardHandler), Metrics: metric.NewSet(),
	})
	p.wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		source.Stop()
		b.Close()
	})
	return b
}

func publish(t *testing.T, b *bus.Bus, positions ...data.Position) {
	t.Helper()
	ack, err := b.PublishPositions(data.Shard(positions[0].DeviceID), positions)
	if err != nil {
		t.Fatal(err)
	}
	if err := ack.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func fix(device int64, second int) data.Position {
	at := base.Add(time.Duration(second) * time.Second)
	return data.Position{DeviceID: device, Protocol: "test", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true, Latitude: 52.5, Longitude: float64(second), SpeedKnots: 10}
}

func heartbeat(device int64, second int) data.Position {
	at := base.Add(time.Duration(second) * time.Second)
	return data.Position{DeviceID: device, Protocol: "test", ServerTime: at, DeviceTime: at, Outdated: true}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("no %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestStoresOnceAndShows(t *testing.T) {
	m := &memory{}
	b := start(t, m)
	live := make(chan []data.Position, 16)
	if _, err := b.SubscribeLive(func(p []data.Position) { live <- p }); err != nil {
		t.Fatal(err)
	}
	publish(t, b, fix(7, 1), fix(7, 2))
	publish(t, b, fix(7, 2), fix(7, 3)) // second 2 was sent again
	waitFor(t, "third position", func() bool { return len(m.stored()) == 3 })
	var shown []data.Position
	waitFor(t, "live positions", func() bool {
		select {
		case p := <-live:
			shown = append(shown, p...)
		default:
		}
		return len(shown) == 3
	})
	for i, p := range shown {
		if p.ID != int64(i+1) || p.FixTime.Second() != i+1 {
			t.Errorf("live %d: %+v", i, p)
		}
	}
	waitFor(t, "empty backlog", func() bool { n, err := b.Backlog(t.Context()); return err == nil && n == 0 })
}

func TestTriesUntilStored(t *testing.T) {
	m := &memory{fail: 5}
	b := start(t, m)
	publish(t, b, fix(7, 1))
	publish(t, b, fix(7, 2))
	waitFor(t, "positions", func() bool { return len(m.stored()) == 2 })
	for i, p := range m.stored() {
		if p.FixTime.Second() != i+1 {
			t.Errorf("out of order: %v", m.stored())
		}
	}
}

func TestOutdatedTakesTheLastPlace(t *testing.T) {
	for name, c := range map[string]struct {
		stored []data.Position // before
		sent   []data.Position
		want   data.Position // the last one sent, as stored
	}{
		"after a fix of the same batch": {
			sent: []data.Position{fix(7, 1), fix(7, 5), heartbeat(7, 9)},
			want: fix(7, 5),
		},
		"after a late fix of the same batch": {
			stored: []data.Position{fix(7, 30)},
			sent:   []data.Position{fix(7, 5), heartbeat(7, 40)},
			want:   fix(7, 30),
		},
		"from the store": {
			stored: []data.Position{fix(7, 3)},
			sent:   []data.Position{heartbeat(7, 9)},
			want:   fix(7, 3),
		},
		"instead of zeros without a fix": {
			sent: []data.Position{fix(7, 1), {DeviceID: 7, Protocol: "test", DeviceTime: base.Add(time.Minute), FixTime: base.Add(time.Minute)}},
			want: fix(7, 1),
		},
		"of another device": {
			stored: []data.Position{fix(8, 3)},
			sent:   []data.Position{heartbeat(7, 9)},
			want:   data.Position{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{latest: map[int64]data.Position{}}
			for _, p := range c.stored {
				m.latest[p.DeviceID] = p
			}
			b := start(t, m)
			publish(t, b, c.sent...)
			waitFor(t, "positions", func() bool { return len(m.stored()) == len(c.sent) })
			got := m.stored()[len(c.sent)-1]
			if !got.Outdated || !got.DeviceTime.Equal(c.sent[len(c.sent)-1].DeviceTime) {
				t.Errorf("got %+v", got)
			}
			if !got.FixTime.Equal(c.want.FixTime) || got.Longitude != c.want.Longitude || got.Valid != c.want.Valid || got.SpeedKnots != c.want.SpeedKnots {
				t.Errorf("got %+v, want the place of %+v", got, c.want)
			}
		})
	}
}

func TestHeartbeatOfAParkedCarDoesNotDrive(t *testing.T) {
	parked := heartbeat(7, int((data.SilentAfter + time.Minute).Seconds()))
	l := place{position: fix(7, 0), known: true}
	l.fill(&parked)
	if parked.SpeedKnots != 0 {
		t.Errorf("speed %v long after the last fix", parked.SpeedKnots)
	}
}

func TestStopsWhileTheStoreIsDown(t *testing.T) {
	m := &memory{fail: 1 << 30}
	b := start(t, m) // its clean-up fails the test if Run does not return
	publish(t, b, fix(7, 1))
	waitFor(t, "first try", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.fail < 1<<30 })
	if n, err := b.Backlog(t.Context()); err != nil || n != 1 {
		t.Errorf("backlog %d, %v: the position must stay on the bus", n, err)
	}
}
