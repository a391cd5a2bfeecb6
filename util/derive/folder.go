package derive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is what was stored before. Calls with a context of a storage.Fold
// belong to its transaction.
type Store interface {
	PositionsBetween(ctx context.Context, deviceID int64, from, to time.Time, limit int, each func(*data.Position) error) error
	CheckpointsBefore(ctx context.Context, deviceIDs []int64, before time.Time) (map[int64]movement.Checkpoint, error)
	CheckpointsAfter(ctx context.Context, deviceID int64, after time.Time, limit int) ([]movement.Checkpoint, error)
}

// Fleet knows what holds for devices.
type Fleet interface {
	All(ctx context.Context, deviceIDs []int64, dst []*fleet.Settings) ([]*fleet.Settings, error)
}

const (
	// every is how many reports lie between two checkpoints at most: what is read
	// again after a restart.
	every = 500
	// maxStates bounds the states in memory, some 2 KiB each.
	maxStates = 1 << 16
	// maxReplay bounds the reports that late ones make the fold go through again:
	// a second of work or less. Beyond that somebody has to rebuild the trips.
	maxReplay = 200_000
)

var farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Folder folds what comes in. It belongs to one goroutine.
type Folder struct {
	store   Store
	fleet   Fleet
	log     *slog.Logger
	stepper *stepper
	states  map[int64]*entry
	touched []int64 // since the last Fold began
	told    map[int64]bool

	ids      []int64
	settings []*fleet.Settings
	reports  []report
	found    []storage.Findings
	// Replayed counts the stored reports that were gone through again because late
	// ones came, LateLeft the late ones that were only stored.
	Replayed, LateLeft *metric.Counter
	// NotComputed counts the computed attributes that had no value for a position.
	NotComputed *metric.Counter
}

// entry is the state of a device in memory.
type entry struct {
	State
	epoch int64
	since int // reports since the last checkpoint
	// pending: the state is worth saving once the next report has a later time.
	pending bool
}

// NewFolder makes a Folder.
func NewFolder(store Store, fl Fleet, log *slog.Logger) *Folder {
	return &Folder{
		store: store, fleet: fl, log: log, stepper: newStepper(),
		states: make(map[int64]*entry), told: make(map[int64]bool), NotComputed: &metric.Counter{},
		Replayed: &metric.Counter{}, LateLeft: &metric.Counter{},
	}
}

// ForgetShard forgets the devices of a shard, which another process may have
// changed.
func (f *Folder) ForgetShard(shard int) {
	for id := range f.states {
		if data.Shard(id) == shard {
			delete(f.states, id)
		}
	}
}

// Undo forgets what the last Fold has changed: its transaction has failed.
func (f *Folder) Undo() {
	for _, id := range f.touched {
		delete(f.states, id)
	}
	f.touched = f.touched[:0]
}

// Fold is a storage.Fold. What it returns is good until the next call.
func (f *Folder) Fold(ctx context.Context, arrivals []storage.Arrival) ([]storage.Findings, error) {
	f.ids, f.touched, f.found = f.ids[:0], f.touched[:0], f.found[:0]
	for i := range arrivals {
		f.ids = append(f.ids, arrivals[i].DeviceID)
	}
	var err error
	if f.settings, err = f.fleet.All(ctx, f.ids, f.settings[:0]); err != nil {
		return nil, err
	}
	if err := f.loadMissing(ctx, arrivals); err != nil {
		return nil, err
	}
	for i := range arrivals {
		if f.settings[i] == nil {
			continue // it is being deleted
		}
		if err := f.device(ctx, f.settings[i], &arrivals[i]); err != nil {
			return nil, fmt.Errorf("work out reports of device %d: %w", arrivals[i].DeviceID, err)
		}
	}
	f.NotComputed.Add(f.stepper.failed)
	f.stepper.failed = 0
	return f.found, nil
}

// loadMissing makes the states that are not in memory, or not of this epoch.
func (f *Folder) loadMissing(ctx context.Context, arrivals []storage.Arrival) error {
	var missing []int64
	for i := range arrivals {
		a := &arrivals[i]
		f.touched = append(f.touched, a.DeviceID)
		if e := f.states[a.DeviceID]; (e == nil || e.epoch != a.Epoch) && f.settings[i] != nil {
			missing = append(missing, a.DeviceID)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	checkpoints, err := f.store.CheckpointsBefore(ctx, missing, farFuture)
	if err != nil {
		return err
	}
	for i := range arrivals {
		a := &arrivals[i]
		if e := f.states[a.DeviceID]; e != nil && e.epoch == a.Epoch || f.settings[i] == nil {
			continue
		}
		e := &entry{epoch: a.Epoch}
		ok, err := load(ctx, f.store, f.stepper, f.settings[i], a.DeviceID, checkpoints[a.DeviceID], e)
		if err != nil {
			return fmt.Errorf("load the state of device %d: %w", a.DeviceID, err)
		}
		if !ok {
			f.tell(a.DeviceID, "history that its trips do not know of")
			begin := movement.Checkpoint{Time: earliest(a.Positions) - 1, State: e.Append(nil)}
			f.found = append(f.found, storage.Findings{DeviceID: a.DeviceID, Checkpoints: []movement.Checkpoint{begin}})
		}
		f.makeRoom()
		f.states[a.DeviceID] = e
	}
	return nil
}

func earliest(positions []*data.Position) int64 {
	first := int64(math.MaxInt64)
	for _, p := range positions {
		f := fix.Of(p)
		first = min(first, f.Time)
	}
	return first
}

// makeRoom drops any state when there are too many: it can be made again.
func (f *Folder) makeRoom() {
	for id := range f.states {
		if len(f.states) < maxStates {
			return
		}
		delete(f.states, id)
	}
}

// maxTold bounds the devices that are remembered as named in the log.
const maxTold = 1000

// tell says once what somebody has to do about a device.
func (f *Folder) tell(device int64, what string) {
	if f.told[device] || len(f.told) >= maxTold {
		return
	}
	f.told[device] = true
	f.log.Warn("a device has "+what+": run waymark rebuild trips for it", "device", device)
}

// device folds what came in of one device: first what is late, then what is
// newer than all before.
func (f *Folder) device(ctx context.Context, of *fleet.Settings, a *storage.Arrival) error {
	e := f.states[a.DeviceID]
	f.reports = read(of, a.Positions, f.reports, &f.stepper.failed)
	late := 0 // reports stand in order of time: those that are late come first
	for i := range f.reports {
		if e.Movement.Late(&of.Movement, &f.reports[i].fix) {
			late = i + 1
		}
	}
	out := storage.Findings{DeviceID: a.DeviceID}
	if late > 0 {
		if err := f.late(ctx, of, a, f.reports[:late], &out); err != nil {
			return err
		}
		e = f.states[a.DeviceID]
	}
	w := walker{stepper: f.stepper, of: of, entry: e, out: &out}
	for i := late; i < len(f.reports); i++ {
		w.take(&f.reports[i])
	}
	if out.Undo != nil || len(out.Trips)+len(out.Stops)+len(out.Days)+len(out.Checkpoints)+len(out.Events) > 0 {
		f.found = append(f.found, out)
	}
	return nil
}

// load makes a state anew: a checkpoint and what was stored after it. Where that
// is too much, or the checkpoint is of another version, it is the state of a
// device that begins anew, with its totals; ok is then false.
func load(ctx context.Context, store Store, st *stepper, of *fleet.Settings, device int64, c movement.Checkpoint, e *entry) (ok bool, err error) {
	if c.State != nil {
		s, err := Decode(c)
		if err != nil {
			return false, nil
		}
		e.State = *s
	}
	w := walker{stepper: st, of: of, entry: e, out: &storage.Findings{}}
	n := 0
	err = (&source{store: store, device: device, after: timeOf(&c)}).each(ctx, nil, func(r *report) error {
		if n++; n > maxReplay {
			return errTooMany
		}
		w.take(r)
		w.out.Trips, w.out.Stops, w.out.Days = w.out.Trips[:0], w.out.Stops[:0], w.out.Days[:0]
		w.out.Checkpoints, w.out.Events = w.out.Checkpoints[:0], w.out.Events[:0]
		return nil
	})
	if !errors.Is(err, errTooMany) {
		return err == nil, err
	}
	totals := e.Movement.Trips().Totals()
	e.State = State{}
	e.Movement.Shift(totals)
	return false, nil
}
