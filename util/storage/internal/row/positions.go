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

// SetPositionTexts reads the attributes and the network of a position from the
// JSON that releases with schema 1 kept; no network is the empty text.
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
