package derive

import (
	"context"
	"errors"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/movement/trips"
	"github.com/waymark-gps/waymark/util/storage"
)

// Current is where a device stands now, by its settings of now: the newest
// checkpoint and all that was stored after it. A device without reports has the
// zero State; one that does not exist is data.ErrNotFound.
func Current(ctx context.Context, store Store, fl Fleet, deviceID int64) (*State, error) {
	of, err := settingsOf(ctx, fl, deviceID)
	if err != nil {
		return nil, err
	}
	checkpoints, err := store.CheckpointsBefore(ctx, []int64{deviceID}, farFuture)
	if err != nil {
		return nil, err
	}
	e := &entry{}
	if _, err := load(ctx, store, newStepper(), of, deviceID, checkpoints[deviceID], e); err != nil {
		return nil, fmt.Errorf("work out the state of device %d: %w", deviceID, err)
	}
	return &e.State, nil
}

func settingsOf(ctx context.Context, fl Fleet, deviceID int64) (*fleet.Settings, error) {
	all, err := fl.All(ctx, []int64{deviceID}, nil)
	if err != nil {
		return nil, err
	}
	if all[0] == nil {
		return nil, fmt.Errorf("settings of device %d: %w", deviceID, data.ErrNotFound)
	}
	return all[0], nil
}

// RebuildStore is what Rebuild works on.
type RebuildStore interface {
	Store
	Refold(ctx context.Context, deviceID int64, fold storage.Fold) error
}

// Rebuilt is what Rebuild has gone through and found.
type Rebuilt struct{ Reports, Trips, Stops, Days, Events int }

// Rebuild works out anew, by the settings of now, what all reports of a device
// mean, and puts it in place of what was known. Where retention has thinned or
// removed positions, what was known of that time stays. Reports of the device
// that come meanwhile wait.
func Rebuild(ctx context.Context, store RebuildStore, fl Fleet, deviceID int64) (done Rebuilt, err error) {
	of, err := settingsOf(ctx, fl, deviceID)
	if err != nil {
		return done, err
	}
	err = store.Refold(ctx, deviceID, func(ctx context.Context, arrivals []storage.Arrival) ([]storage.Findings, error) {
		out := storage.Findings{DeviceID: deviceID, Undo: &storage.Undo{From: trips.Beginning, Until: trips.End}}
		e := &entry{}
		from := movement.Checkpoint{}
		if thinned := arrivals[0].Thinned; thinned != 0 {
			var s *State
			if from, s, err = firstWhole(ctx, store, deviceID, thinned); err != nil {
				return nil, err
			}
			e.State = *s
			out.Undo.From = edgeOf(of, &from, s)
		}
		w := walker{stepper: newStepper(), of: of, entry: e, out: &out}
		err := (&source{store: store, device: deviceID, after: timeOf(&from)}).each(ctx, nil, func(r *report) error {
			done.Reports++
			w.take(r)
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		if done.Reports > 0 && e.Movement.Time() > 0 {
			w.keep()
		}
		done.Trips, done.Stops, done.Days, done.Events = len(out.Trips), len(out.Stops), len(out.Days), len(out.Events)
		return []storage.Findings{out}, nil
	})
	if err != nil {
		return Rebuilt{}, fmt.Errorf("rebuild trips: %w", err)
	}
	return done, nil
}

// firstWhole is the first checkpoint from which on history is whole.
func firstWhole(ctx context.Context, store Store, deviceID, thinned int64) (movement.Checkpoint, *State, error) {
	found, err := store.CheckpointsAfter(ctx, deviceID, timeAt(thinned-1), 1)
	if err != nil {
		return movement.Checkpoint{}, nil, err
	}
	if len(found) == 1 {
		s, err := Decode(found[0])
		if err == nil || !errors.Is(err, data.ErrInvalid) {
			return found[0], s, err
		}
	}
	// None, or one of another version: it begins anew there.
	s := &State{}
	return movement.Checkpoint{Time: thinned, State: s.Append(nil)}, s, nil
}
