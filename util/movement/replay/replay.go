// Package replay gives where a device stands in movement, from what is stored.
package replay

import (
	"context"

	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/movement"
)

// Current is the movement of a device up to its newest report: the trip or stop
// that goes on, the day, the totals. See derive.Current.
func Current(ctx context.Context, store derive.Store, fleet derive.Fleet, deviceID int64) (movement.State, error) {
	s, err := derive.Current(ctx, store, fleet, deviceID)
	if err != nil {
		return movement.State{}, err
	}
	return s.Movement, nil
}
