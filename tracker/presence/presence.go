// Package presence finds what the reports of one device alone do not show: that
// it speaks, fell silent or has been silent for long, that it is not where it
// should be at a time of day, that two devices are near each other, and that one
// moves without those that belong to it.
//
// One process does this for all devices, the one that leads. What it finds is
// stored with keys that do not depend on who found it and when (see data.Event),
// so that one that takes over tells nothing twice; what nobody watched it looks
// up in the store.
package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is what presence reads, and where its events end up.
type Store interface {
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
	ListLinks(ctx context.Context, f storage.LinkFilter) ([]data.Link, error)
	Server(ctx context.Context) (data.Server, error)
	storage.Objects
	InsertEvents(ctx context.Context, events []data.Event) error
	SetSilentAfter(ctx context.Context, after map[int64]time.Duration) error
	EventsBetween(ctx context.Context, f storage.EventFilter, limit int, each func(*data.Event) error) error
}

// Bus says who spoke, and hears what happened. The functions given are called
// one at a time.
type Bus interface {
	SubscribeLive(func([]data.Position)) (unsubscribe func(), err error)
	SubscribeSeen(func(map[int64]time.Time)) (unsubscribe func(), err error)
	SubscribeDevices(func(data.DeviceChange)) (unsubscribe func(), err error)
	SubscribeAccess(func(data.AccessChange)) (unsubscribe func(), err error)
	PublishEvents([]data.Event) error
	PublishDevice(data.DeviceChange) error
	// Lead runs f in one of the processes that call it.
	Lead(ctx context.Context, name string, f func(context.Context) error) error
}

const (
	// leadName names the group that elects who watches.
	leadName = "presence"
	// tickEvery is how often the clock is looked at, sweepEvery how often
	// everything is read again, because the bus may lose a message.
	tickEvery  = time.Second
	sweepEvery = time.Minute
	// sweepAtMost bounds how often changes have everything read again.
	sweepAtMost = 10 * time.Second
	// settleTime is how long after its start nobody is called offline or unknown:
	// when the server was away, so were the devices.
	settleTime = 2 * time.Minute
	// catchUp is how old what was missed may be to be told afterwards.
	catchUp = time.Hour
	// storeTimeout bounds every question to the store.
	storeTimeout = 20 * time.Second
	// maxWaiting bounds the events that wait for a store that does not answer.
	maxWaiting = 100_000
	// chunk is how many devices or events go to the store at once.
	chunk = 500
)

// Watch watches all devices while it leads.
type Watch struct {
	store Store
	bus   Bus
	fleet Fleet
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	devices map[int64]*device
	rules   rules
	pairs   pairs
	// settled is from when devices are called offline or unknown.
	settled time.Time
	// changed are devices to read again; stale: everything is, links and settings
	// too, but not before some time after swept.
	changed map[int64]struct{}
	stale   bool
	swept   time.Time
	// looked is up to when deadlines were looked at, see missing.
	looked time.Time
	// found waits to be stored, and silences, which are Device.SilentAfter by id.
	found    []data.Event
	silences map[int64]time.Duration
	// gone waits to be told to those who show devices.
	gone []data.DeviceChange
}

// New makes a Watch; Run starts it.
func New(store Store, bus Bus, fleet Fleet, log *slog.Logger, now func() time.Time) *Watch {
	return &Watch{store: store, bus: bus, fleet: fleet, log: log, now: now}
}

// Run waits for its turn to lead, and watches until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	return w.bus.Lead(ctx, leadName, w.lead)
}

func (w *Watch) lead(ctx context.Context) error {
	w.reset()
	unsubscribe, err := w.subscribe()
	if err != nil {
		return err
	}
	defer unsubscribe()
	tick, sweep := time.NewTicker(tickEvery), time.NewTicker(sweepEvery)
	defer tick.Stop()
	defer sweep.Stop()
	started := w.tried(ctx, w.start(ctx))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sweep.C:
			if started {
				w.tried(ctx, w.sweep(ctx))
			}
		case <-tick.C:
			if !started {
				started = w.tried(ctx, w.start(ctx))
				continue
			}
			w.tried(ctx, w.tick(ctx))
		}
	}
}

// tried tells whether something was done, and says so if not: it is tried again.
func (w *Watch) tried(ctx context.Context, err error) bool {
	if err != nil && ctx.Err() == nil {
		w.log.Warn("devices are not watched, the store does not answer", "err", err)
	}
	return err == nil
}

func (w *Watch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.devices, w.changed, w.found = map[int64]*device{}, map[int64]struct{}{}, nil
	w.silences, w.gone = map[int64]time.Duration{}, nil
	w.pairs = pairs{}
	w.settled, w.looked = w.now().Add(settleTime), w.now().Add(-catchUp)
}

func (w *Watch) subscribe() (unsubscribe func(), err error) {
	var ends []func()
	unsubscribe = func() {
		for _, end := range ends {
			end()
		}
	}
	for _, subscribe := range []func() (func(), error){
		func() (func(), error) { return w.bus.SubscribeLive(w.onPositions) },
		func() (func(), error) { return w.bus.SubscribeSeen(w.onSeen) },
		func() (func(), error) { return w.bus.SubscribeDevices(w.onDevice) },
		func() (func(), error) { return w.bus.SubscribeAccess(w.onAccess) },
	} {
		end, err := subscribe()
		if err != nil {
			unsubscribe()
			return nil, fmt.Errorf("watch devices: %w", err)
		}
		ends = append(ends, end)
	}
	return unsubscribe, nil
}

func (w *Watch) onPositions(positions []data.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range positions {
		p := &positions[i]
		w.spoke(p.DeviceID, p.ServerTime)
		w.pairs.at(p, w.add)
	}
}

func (w *Watch) onSeen(seen map[int64]time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, at := range seen {
		w.spoke(id, at)
	}
}

func (w *Watch) onDevice(c data.DeviceChange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed[c.ID] = struct{}{}
}

// onAccess hears of links and groups; those of users are of no concern here.
func (w *Watch) onAccess(c data.AccessChange) {
	if !c.All && len(c.DeviceIDs)+len(c.GroupIDs) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale = true
}

// add takes an event that waits to be stored. The caller holds w.mu.
func (w *Watch) add(e data.Event) {
	if len(w.found) < maxWaiting {
		e.ServerTime = w.now().UTC()
		w.found = append(w.found, e)
	}
}

// start reads everything for the first time.
func (w *Watch) start(ctx context.Context) error {
	if err := w.readRules(ctx); err != nil {
		return err
	}
	told, err := w.readTold(ctx)
	if err != nil {
		return err
	}
	devices, err := w.list(ctx, nil)
	if err != nil {
		return err
	}
	w.mu.Lock()
	now := w.now()
	for i := range devices {
		w.take(&devices[i], told[devices[i].ID], now)
	}
	w.mu.Unlock()
	return w.readPairs(ctx)
}

// sweep reads everything again.
func (w *Watch) sweep(ctx context.Context) error {
	w.mu.Lock()
	w.swept = w.now()
	w.mu.Unlock()
	if err := w.readRules(ctx); err != nil {
		return err
	}
	devices, err := w.list(ctx, nil)
	if err != nil {
		return err
	}
	w.mu.Lock()
	exists := make(map[int64]bool, len(devices))
	for i := range devices {
		exists[devices[i].ID] = true
		w.take(&devices[i], newcomer, w.now())
	}
	for id := range w.devices {
		if !exists[id] {
			delete(w.devices, id)
		}
	}
	w.mu.Unlock()
	return errors.Join(w.missing(ctx, devices), w.readPairs(ctx))
}

// tick does what the clock asks for, and stores what was found.
func (w *Watch) tick(ctx context.Context) error {
	if err := w.readChanged(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	now := w.now()
	silent := w.silent(now)
	w.pairs.tick(now, w.add)
	w.mu.Unlock()
	// The bus may have lost that a device spoke; the store knows.
	for ids := range slices.Chunk(silent, chunk) {
		devices, err := w.list(ctx, ids)
		if err != nil {
			return err
		}
		w.mu.Lock()
		for i := range devices {
			w.take(&devices[i], newcomer, now)
			w.fellSilent(devices[i].ID, now)
		}
		w.mu.Unlock()
	}
	return w.flush(ctx)
}

// readChanged reads devices, links and groups that were changed.
func (w *Watch) readChanged(ctx context.Context) (err error) {
	w.mu.Lock()
	changed := w.changed
	w.changed = map[int64]struct{}{}
	stale := (w.stale || len(changed) > chunk) && w.now().Sub(w.swept) >= sweepAtMost
	w.stale = (w.stale || len(changed) > chunk) && !stale
	w.mu.Unlock()
	defer func() {
		if err == nil {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stale = w.stale || stale
		for id := range changed {
			w.changed[id] = struct{}{}
		}
	}()
	if stale {
		return w.sweep(ctx)
	}
	if len(changed) == 0 || len(changed) > chunk {
		return nil
	}
	ids := make([]int64, 0, len(changed))
	for id := range changed {
		ids = append(ids, id)
	}
	devices, err := w.list(ctx, ids)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range devices {
		delete(changed, devices[i].ID)
		w.take(&devices[i], newcomer, w.now())
	}
	for id := range changed { // gone
		delete(w.devices, id)
	}
	return nil
}

func (w *Watch) list(ctx context.Context, ids []int64) ([]data.Device, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	devices, err := w.store.ListDevices(ctx, storage.DeviceFilter{IDs: ids})
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	return devices, nil
}

// flush stores what was found and passes it on. What cannot be stored now is
// kept for the next time.
func (w *Watch) flush(ctx context.Context) error {
	w.mu.Lock()
	found, silences, gone := w.found, w.silences, w.gone
	w.found, w.silences, w.gone = nil, map[int64]time.Duration{}, nil
	w.mu.Unlock()
	if err := w.setSilences(ctx, silences); err != nil { // the next sweep finds them again
		w.log.Warn("how long devices may be silent is not stored", "devices", len(silences), "err", err)
	}
	for _, c := range gone {
		if err := w.bus.PublishDevice(c); err != nil {
			w.log.Warn("tell that a device is offline", "device", c.ID, "err", err)
		}
	}
	for len(found) > 0 {
		n := min(len(found), chunk)
		if err := w.record(ctx, found[:n:n]); err != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.found = append(found, w.found...)
			return err
		}
		found = found[n:]
	}
	return nil
}

func (w *Watch) setSilences(ctx context.Context, silences map[int64]time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return w.store.SetSilentAfter(ctx, silences)
}

func (w *Watch) record(ctx context.Context, events []data.Event) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := w.store.InsertEvents(ctx, events); err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	events = slices.DeleteFunc(events, func(e data.Event) bool { return e.ID == 0 })
	if err := w.bus.PublishEvents(events); err != nil {
		w.log.Warn("events not shown live", "events", len(events), "err", err)
	}
	return nil
}
