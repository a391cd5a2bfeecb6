package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/geofence"
	"github.com/waymark-gps/waymark/util/movement/filter"
)

// named is what holds for a device if its geofences give places names, nil if
// they do not.
func (m *Maker) named(ctx context.Context, deviceID int64) (*fleet.Settings, error) {
	of, err := m.Fleet.All(ctx, []int64{deviceID}, make([]*fleet.Settings, 0, 1))
	if err != nil {
		return nil, fmt.Errorf("read the settings of device %d: %w", deviceID, err)
	}
	if of[0] == nil || of[0].AddressM <= 0 || of[0].FenceSet.Len() == 0 {
		return nil, nil
	}
	return of[0], nil
}

// address names a place by the geofences that the device has now.
func address(of *fleet.Settings, lat, lon float64) data.Value {
	if of == nil {
		return data.Value{}
	}
	return optional(of.Name(of.Spot(geofence.Point{Lat: lat, Lon: lon})))
}

// addressAt names the place where the device was at a time, milliseconds since
// 1970 UTC.
func (m *Maker) addressAt(ctx context.Context, of *fleet.Settings, ms int64) (data.Value, error) {
	if of == nil {
		return data.Value{}, nil
	}
	p, err := m.Store.PositionBefore(ctx, of.Device.ID, moment(ms+1))
	if errors.Is(err, data.ErrNotFound) || err == nil && filter.MarkOf(p.Attributes).Reason != "" {
		return data.Value{}, nil
	}
	if err != nil {
		return data.Value{}, fmt.Errorf("read where the device was: %w", err)
	}
	if own := p.Attributes.Get(data.Address); own.Kind() != data.KindNone {
		return own, nil
	}
	return address(of, p.Latitude, p.Longitude), nil
}

// addresses name the places of the first and the last report of a sum.
func (m *Maker) addresses(ctx context.Context, deviceID int64, s *sum) (begin, end data.Value, err error) {
	if s.reports == 0 {
		return begin, end, nil
	}
	of, err := m.named(ctx, deviceID)
	if err != nil {
		return begin, end, err
	}
	if begin, err = m.addressAt(ctx, of, s.first); err != nil {
		return begin, end, err
	}
	end, err = m.addressAt(ctx, of, s.last)
	return begin, end, err
}
