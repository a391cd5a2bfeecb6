package fleet

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geofence"
)

// AddressKey is the attribute of server, groups and device that says how near a
// geofence must be, in metres, to give a place its name; 0 for never.
const AddressKey = "address.geofenceM"

const (
	// defaultAddressM is what holds where nobody has said anything else, and
	// maxAddressM the most that counts: beyond it a name says nothing.
	defaultAddressM = 500
	maxAddressM     = 50_000
	// atM is how far outside a place may be that is still called by the name
	// alone: what geofences allow for before a device has left.
	atM = 30
)

func addressM(attributes []map[string]any) float64 {
	if m, ok := Number(attributes, AddressKey); ok {
		return min(m, maxAddressM)
	}
	return defaultAddressM
}

// Spot says where a place is by a geofence. It is small and can be compared:
// places of one Spot have the same name. The zero Spot is that of a place
// without a geofence near it.
type Spot struct {
	fence int64
	// meters is rounded; 0 if the place is in the geofence.
	meters    int32
	direction uint8
}

// Spot finds the device's geofence that a place is in, the smallest first, or
// else the nearest one.
func (s *Settings) Spot(p geofence.Point) Spot {
	if s.AddressM <= 0 || s.FenceSet.Len() == 0 {
		return Spot{}
	}
	near, ok := s.Fences.Nearest(p, s.FenceSet, s.AddressM)
	switch {
	case !ok:
		return Spot{}
	case near.DistanceM < atM:
		return Spot{fence: near.Fence}
	}
	return Spot{near.Fence, rounded(near.DistanceM), uint8(math.Round(near.BearingDeg/45)) % 8}
}

// rounded leaves as much of a distance as people care for, so that the name of a
// place is the same for places beside each other.
func rounded(m float64) int32 {
	step := 10.0
	switch {
	case m >= 10_000:
		step = 1000
	case m >= 1000:
		step = 100
	case m >= 100:
		step = 50
	}
	return int32(math.Round(m/step) * step)
}

var directions = [8]string{"N", "NE", "E", "SE", "S", "SW", "W", "NW"}

// Name is what people read: "Depot", or "Depot · 300 m NE" for a place north-east
// of it. It is empty for the zero Spot.
func (s *Settings) Name(at Spot) string {
	i, ok := slices.BinarySearchFunc(s.Geofences, at.fence, func(g data.Geofence, id int64) int { return cmp.Compare(g.ID, id) })
	if !ok {
		return ""
	}
	name := s.Geofences[i].Name
	if at.meters == 0 {
		return name
	}
	b := append(make([]byte, 0, len(name)+16), name...)
	b = append(b, " · "...)
	if at.meters >= 1000 {
		b = strconv.AppendFloat(b, float64(at.meters)/1000, 'f', -1, 64)
		b = append(b, " km "...)
	} else {
		b = strconv.AppendInt(b, int64(at.meters), 10)
		b = append(b, " m "...)
	}
	return string(append(b, directions[at.direction]...))
}
