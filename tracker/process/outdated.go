package process

import (
	"context"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// fillIn puts the last known place into reports that came without one.
func (p *Processor) fillIn(ctx context.Context, positions []data.Position) error {
	last := map[int64]*place{}
	for i := range positions {
		pos := &positions[i]
		l := last[pos.DeviceID]
		if l == nil {
			l = &place{}
			last[pos.DeviceID] = l
		}
		if !pos.Valid && pos.Latitude == 0 && pos.Longitude == 0 {
			// Trackers without a fix send zeros; nobody is in that sea.
			pos.Outdated = true
		}
		if !pos.Outdated {
			l.newer(*pos)
			continue
		}
		if !l.asked {
			stored, ok, err := p.deps.Last.Get(ctx, pos.DeviceID)
			if err != nil {
				return fmt.Errorf("ask for the last position of device %d: %w", pos.DeviceID, err)
			}
			l.asked = true
			if ok {
				l.newer(stored)
			}
		}
		l.fill(pos)
	}
	return nil
}

// place is where a device was last, if that is known.
type place struct {
	position data.Position
	known    bool
	asked    bool // the store has been asked
}

// newer keeps p if it is newer than what is known.
func (l *place) newer(p data.Position) {
	if !l.known || !p.FixTime.Before(l.position.FixTime) {
		l.position, l.known = p, true
	}
}

// fill moves an outdated report to the place. The speed is taken over while it
// is recent, so that a heartbeat does not make a driving car stand.
func (l *place) fill(pos *data.Position) {
	if !l.known {
		pos.Valid, pos.FixTime = false, time.Time{}
		return
	}
	from := &l.position
	pos.Valid, pos.FixTime = from.Valid, from.FixTime
	pos.Latitude, pos.Longitude = from.Latitude, from.Longitude
	pos.AltitudeM, pos.AccuracyM, pos.CourseDeg = from.AltitudeM, from.AccuracyM, from.CourseDeg
	if pos.SpeedKnots == 0 && pos.DeviceTime.Sub(from.DeviceTime) < data.SilentAfter {
		pos.SpeedKnots = from.SpeedKnots
	}
}
