package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// fleet is a store whose answers tests can hold back.
type fleet struct {
	mu      sync.Mutex
	devices map[int64]data.Device
	last    map[int64]data.Position
	asked   atomic.Int64
	// gate, when set, is received from before an answer leaves; the answer was
	// read before.
	gate chan struct{}
	err  error
}

func (f *fleet) answer(ctx context.Context, match func(data.Device) bool) (data.Device, error) {
	f.asked.Add(1)
	f.mu.Lock()
	d, err := data.Device{}, fmt.Errorf("device: %w", data.ErrNotFound)
	for _, have := range f.devices {
		if match(have) {
			d, err = have, nil
		}
	}
	if f.err != nil {
		d, err = data.Device{}, f.err
	}
	gate := f.gate
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return data.Device{}, ctx.Err()
		}
	}
	return d, err
}

func (f *fleet) Device(ctx context.Context, id int64) (data.Device, error) {
	return f.answer(ctx, func(d data.Device) bool { return d.ID == id })
}

func (f *fleet) DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error) {
	return f.answer(ctx, func(d data.Device) bool { return d.UniqueID == uniqueID })
}

func (f *fleet) LatestPositions(_ context.Context, ids []int64) ([]data.Position, error) {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []data.Position
	for _, id := range ids {
		if p, ok := f.last[id]; ok {
			found = append(found, p)
		}
	}
	if f.gate != nil {
		gate := f.gate
		f.mu.Unlock()
		<-gate
		f.mu.Lock()
	}
	return found, f.err
}

func (f *fleet) set(d data.Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.devices[d.ID] = d
}

func newFleet(n int) *fleet {
	f := &fleet{devices: map[int64]data.Device{}, last: map[int64]data.Position{}}
	for i := range int64(n) {
		f.devices[i+1] = data.Device{ID: i + 1, UniqueID: fmt.Sprintf("dev-%d", i+1)}
	}
	return f
}

func wantAsked(t *testing.T, f *fleet, want int64) {
	t.Helper()
	if got := f.asked.Load(); got != want {
		t.Fatalf("the store was asked %d times, want %d", got, want)
	}
}

func TestDevicesHitAndExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(3)
		c := NewDevices(f, 10, time.Now)
		for range 3 {
			d, err := c.ByUniqueID(t.Context(), "dev-2")
			if err != nil || d.ID != 2 {
				t.Fatalf("ByUniqueID = %v, %v", d, err)
			}
			if d, err = c.ByID(t.Context(), 2); err != nil || d.UniqueID != "dev-2" {
				t.Fatalf("ByID = %v, %v", d, err)
			}
		}
		wantAsked(t, f, 1)
		time.Sleep(deviceLife)
		if _, err := c.ByID(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		wantAsked(t, f, 2)
	})
}

func TestDevicesStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1)
		c := NewDevices(f, 10, time.Now)
		for range 5 {
			if _, err := c.ByUniqueID(t.Context(), "stranger"); !errors.Is(err, data.ErrNotFound) {
				t.Fatalf("err = %v", err)
			}
		}
		wantAsked(t, f, 1)
		// Registered, and the message of it arrives: known at once.
		f.set(data.Device{ID: 9, UniqueID: "stranger"})
		c.Invalidate(data.DeviceChange{ID: 9, UniqueID: "stranger"})
		if d, err := c.ByUniqueID(t.Context(), "stranger"); err != nil || d.ID != 9 {
			t.Fatalf("after registration: %v, %v", d, err)
		}
		// The message is lost: known after a while.
		_, _ = c.ByUniqueID(t.Context(), "second")
		f.set(data.Device{ID: 10, UniqueID: "second"})
		time.Sleep(strangerLife)
		if d, err := c.ByUniqueID(t.Context(), "second"); err != nil || d.ID != 10 {
			t.Fatalf("after a while: %v, %v", d, err)
		}
	})
}

func TestDevicesStrangersDoNotEvict(t *testing.T) {
	f := newFleet(10)
	c := NewDevices(f, 10, time.Now)
	for i := range 10 {
		_, _ = c.ByUniqueID(t.Context(), fmt.Sprintf("dev-%d", i+1))
	}
	for i := range 1000 {
		_, _ = c.ByUniqueID(t.Context(), fmt.Sprintf("flood-%d", i))
	}
	if n := len(c.strangers.nodes); n != 10 {
		t.Fatalf("%d strangers are held, want 10", n)
	}
	before := f.asked.Load()
	for i := range 10 {
		_, _ = c.ByUniqueID(t.Context(), fmt.Sprintf("dev-%d", i+1))
	}
	wantAsked(t, f, before)
}

func TestDevicesRenamed(t *testing.T) {
	f := newFleet(2)
	c := NewDevices(f, 10, time.Now)
	_, _ = c.ByUniqueID(t.Context(), "dev-1")
	f.set(data.Device{ID: 1, UniqueID: "new"})
	c.Invalidate(data.DeviceChange{ID: 1, UniqueID: "new", OldUniqueID: "dev-1"})
	if _, err := c.ByUniqueID(t.Context(), "dev-1"); !errors.Is(err, data.ErrNotFound) {
		t.Fatalf("the old identity still answers: %v", err)
	}
	if d, err := c.ByUniqueID(t.Context(), "new"); err != nil || d.ID != 1 {
		t.Fatalf("the new identity: %v, %v", d, err)
	}
	// A swap of identities of which only half the messages arrive must not mix
	// the devices up for longer than an entry lives; a load sets it right.
	f.set(data.Device{ID: 2, UniqueID: "new"})
	f.set(data.Device{ID: 1, UniqueID: "dev-2"})
	c.Invalidate(data.DeviceChange{ID: 2, UniqueID: "new", OldUniqueID: "dev-2"})
	if d, _ := c.ByUniqueID(t.Context(), "new"); d.ID != 2 {
		t.Fatalf("identity new belongs to %d, want 2", d.ID)
	}
	if d, _ := c.ByUniqueID(t.Context(), "dev-2"); d.ID != 1 {
		t.Fatalf("identity dev-2 belongs to %d, want 1", d.ID)
	}
}

func TestDevicesBounded(t *testing.T) {
	f := newFleet(100)
	c := NewDevices(f, 10, time.Now)
	for i := range 100 {
		_, _ = c.ByUniqueID(t.Context(), fmt.Sprintf("dev-%d", i+1))
	}
	if c.Len() != 10 || len(c.byUniqueID) != 10 {
		t.Fatalf("holds %d devices, %d identities, want 10", c.Len(), len(c.byUniqueID))
	}
}

func TestDevicesOneLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1)
		f.gate = make(chan struct{})
		c := NewDevices(f, 10, time.Now)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if d, err := c.ByUniqueID(t.Context(), "dev-1"); err != nil || d.ID != 1 {
					t.Errorf("ByUniqueID = %v, %v", d, err)
				}
			})
		}
		synctest.Wait()
		wantAsked(t, f, 1)
		close(f.gate)
		wg.Wait()
		wantAsked(t, f, 1)
	})
}

// A caller that gives up must not take those down who wait for its load.
func TestDevicesLeaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1)
		f.gate = make(chan struct{})
		c := NewDevices(f, 10, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.ByID(ctx, 1); !errors.Is(err, context.Canceled) {
				t.Errorf("leader: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if d, err := c.ByID(t.Context(), 1); err != nil || d.ID != 1 {
				t.Errorf("follower: %v, %v", d, err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(f.gate)
		wg.Wait()
	})
}

// A load that read the store before a change must not bring the old state back.
func TestDevicesChangeDuringLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1)
		gate := make(chan struct{})
		f.gate = gate
		c := NewDevices(f, 10, time.Now)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.ByID(t.Context(), 1) })
		synctest.Wait()
		f.mu.Lock()
		f.gate = nil
		f.devices[1] = data.Device{ID: 1, UniqueID: "dev-1", Disabled: true}
		f.mu.Unlock()
		c.Invalidate(data.DeviceChange{ID: 1, UniqueID: "dev-1"})
		if d, _ := c.ByID(t.Context(), 1); !d.Disabled {
			t.Error("asked after the change and got the state before it")
		}
		close(gate)
		wg.Wait()
		if d, _ := c.ByID(t.Context(), 1); !d.Disabled {
			t.Error("the late load brought the old state back")
		}
	})
}

func TestDevicesErrorIsNotKept(t *testing.T) {
	f := newFleet(1)
	f.err = data.ErrUnavailable
	c := NewDevices(f, 10, time.Now)
	if _, err := c.ByUniqueID(t.Context(), "dev-1"); !errors.Is(err, data.ErrUnavailable) {
		t.Fatalf("err = %v", err)
	}
	f.err = nil
	if _, err := c.ByUniqueID(t.Context(), "dev-1"); err != nil {
		t.Fatalf("after the database came back: %v", err)
	}
}

func TestDevicesHitDoesNotAllocate(t *testing.T) {
	c := NewDevices(newFleet(1), 10, time.Now)
	ctx := t.Context()
	_, _ = c.ByUniqueID(ctx, "dev-1")
	_, _ = c.ByUniqueID(ctx, "stranger")
	for _, id := range []string{"dev-1", "stranger"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = c.ByUniqueID(ctx, id) }); n != 0 {
			t.Errorf("looking %s up allocates %v times", id, n)
		}
	}
}

func at(device int64, sec int) data.Position {
	return data.Position{ID: int64(sec), DeviceID: device, FixTime: time.Unix(int64(sec), 0), DeviceTime: time.Unix(int64(sec), 0)}
}

func TestLast(t *testing.T) {
	f := newFleet(0)
	f.last[1] = at(1, 100)
	l := NewLast(f, 10, time.Now)
	get := func(device int64) int64 {
		t.Helper()
		p, ok, err := l.Get(t.Context(), device)
		if err != nil || ok != (p.ID != 0) {
			t.Fatalf("Get(%d) = %v, %v, %v", device, p.ID, ok, err)
		}
		return p.ID
	}
	if get(1) != 100 || get(1) != 100 || get(2) != 0 || get(2) != 0 {
		t.Fatal("wrong answer from the store")
	}
	wantAsked(t, f, 2)
	l.Update([]data.Position{at(1, 120), at(1, 110), at(2, 5)})
	if get(1) != 120 || get(2) != 5 {
		t.Fatal("the newest fix did not win")
	}
	wantAsked(t, f, 2)
	// A device the cache has not asked about: the store may know a newer fix.
	f.last[3] = at(3, 300)
	l.Update([]data.Position{at(3, 200)})
	if get(3) != 300 {
		t.Fatal("a late report hid the stored newer one")
	}
	l.Update([]data.Position{at(4, 400)})
	f.last[4] = at(4, 390)
	if get(4) != 400 {
		t.Fatal("the store hid a newer report from the bus")
	}
	l.Invalidate(data.DeviceChange{ID: 1, Removed: true})
	delete(f.last, 1)
	if get(1) != 0 {
		t.Fatal("a removed device still has a position")
	}
}

func TestLastUpdateDuringLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(0)
		f.last[1] = at(1, 100)
		f.gate = make(chan struct{})
		l := NewLast(f, 10, time.Now)
		var wg sync.WaitGroup
		wg.Go(func() { _, _, _ = l.Get(t.Context(), 1) })
		synctest.Wait()
		l.Update([]data.Position{at(1, 150)})
		close(f.gate)
		wg.Wait()
		if p, _, _ := l.Get(t.Context(), 1); p.ID != 150 {
			t.Fatalf("last is %d, want 150", p.ID)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	f := newFleet(50)
	c, l := NewDevices(f, 20, time.Now), NewLast(f, 20, time.Now)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				id := int64((i*7+g)%60 + 1)
				_, _ = c.ByID(t.Context(), id)
				_, _ = c.ByUniqueID(t.Context(), fmt.Sprintf("dev-%d", id))
				_, _, _ = l.Get(t.Context(), id)
				l.Update([]data.Position{at(id, i)})
				if i%10 == 0 {
					c.Invalidate(data.DeviceChange{ID: id, UniqueID: fmt.Sprintf("dev-%d", id)})
					l.Invalidate(data.DeviceChange{ID: id})
				}
			}
		})
	}
	wg.Wait()
	if c.Len() > 20 || len(c.byUniqueID) > 20 || len(c.loadID)+len(c.loadUnique)+len(l.loads) > 0 {
		t.Fatalf("left behind: %d devices, %d identities, %d loads", c.Len(), len(c.byUniqueID), len(c.loadID)+len(c.loadUnique)+len(l.loads))
	}
}

func BenchmarkDevicesHit(b *testing.B) {
	f := newFleet(1000)
	c := NewDevices(f, 1000, time.Now)
	for b.Loop() {
		_, _ = c.ByUniqueID(b.Context(), "dev-500")
	}
}
