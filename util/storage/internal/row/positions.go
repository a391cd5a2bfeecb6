package row

import (
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/data"
)

// CheckPositions tells whether a batch can be stored.
func CheckPositions(positions []data.Position, fingerprints []uint64) error {
	if len(positions) != len(fingerprints) {
		return fmt.Errorf("%d positions with %d fingerprints: %w", len(positions), len(fingerprints), data.ErrInvalid)
	}
	for i := range positions {
		p := &positions[i]
		for _, f := range [...]float64{p.Latitude, p.Longitude, p.AltitudeM, p.SpeedKnots, p.CourseDeg, p.AccuracyM} {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Errorf("position %d holds a number that is not finite: %w", i, data.ErrInvalid)
			}
		}
		if !IsText(p.Protocol) {
			return fmt.Errorf("position %d holds a protocol name that is not text: %w", i, data.ErrInvalid)
		}
	}
	return nil
}

// PositionTexts writes the attributes and the network of each position as JSON;
// no network is the empty text. All are slices of one string.
func PositionTexts(positions []data.Position) (attributes, network []string) {
	ends := make([]int, 0, 2*len(positions))
	buf := make([]byte, 0, 160*len(positions))
	for i := range positions {
		buf = positions[i].Attributes.AppendJSON(buf)
		ends = append(ends, len(buf))
		if positions[i].Network != nil {
			buf = positions[i].Network.AppendJSON(buf)
		}
		ends = append(ends, len(buf))
	}
	all, start := string(buf), 0
	texts := make([]string, 2*len(positions))
	attributes, network = texts[:len(positions):len(positions)], texts[len(positions):]
	for i := range positions {
		attributes[i] = all[start:ends[2*i]]
		network[i] = all[ends[2*i]:ends[2*i+1]]
		start = ends[2*i+1]
	}
	return attributes, network
}

// SetPositionTexts reads what PositionTexts wrote.
func SetPositionTexts(p *data.Position, attributes, network []byte) (err error) {
	if string(attributes) != "{}" {
		if p.Attributes, err = data.ParseAttributes(attributes); err != nil {
			return fmt.Errorf("position %d: %w", p.ID, err)
		}
	}
	if len(network) > 0 {
		if p.Network, err = data.ParseNetwork(network); err != nil {
			return fmt.Errorf("position %d: %w", p.ID, err)
		}
	}
	return nil
}

// pageSize is how many positions one page of a walk reads: some 300 KiB.
const pageSize = 1000

// Place is where a walk through the positions of a device stands: after the
// position with this FixTime (milliseconds) and id.
type Place struct{ FixTime, ID int64 }

// Walk calls each for positions in the order of FixTime, then id, at most limit
// of them. page returns up to n positions after a place. No connection is held
// while each works, however slow it is.
func Walk(from Place, limit int, page func(after Place, n int) ([]data.Position, error), each func(*data.Position) error) error {
	for after := from; limit > 0; {
		n := min(limit, pageSize)
		positions, err := page(after, n)
		if err != nil {
			return err
		}
		for i := range positions {
			if err := each(&positions[i]); err != nil {
				return err
			}
		}
		if len(positions) < n {
			return nil
		}
		last := &positions[n-1]
		after = Place{Millis(last.FixTime), last.ID}
		limit -= n
	}
	return nil
}
