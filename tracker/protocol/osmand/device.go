package osmand

import (
	"net/url"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// AppendQuery appends the query, without the question mark, with which a
// device reports a position; for simulators and tests. Attributes are written
// under their names, batteryLevel as batt.
func AppendQuery(b []byte, id string, p *data.Position) []byte {
	b = append(b, "id="...)
	b = append(b, url.QueryEscape(id)...)
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	if !t.IsZero() {
		b = append(b, "&timestamp="...)
		b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	}
	number := func(name string, v float64, digits int) {
		b = append(b, '&')
		b = append(b, name...)
		b = append(b, '=')
		b = strconv.AppendFloat(b, v, 'f', digits, 64)
	}
	if !p.Outdated {
		number("lat", p.Latitude, 7)
		number("lon", p.Longitude, 7)
		number("speed", p.SpeedKnots, 4)
		number("bearing", p.CourseDeg, 1)
		number("altitude", p.AltitudeM, 1)
		if p.AccuracyM > 0 {
			number("accuracy", p.AccuracyM, 1)
		}
		if !p.Valid {
			b = append(b, "&valid=false"...)
		}
	}
	for i := range p.Attributes {
		key := p.Attributes[i].Key
		if key == "batteryLevel" {
			key = "batt"
		}
		b = append(b, '&')
		b = append(b, url.QueryEscape(key)...)
		b = append(b, '=')
		b = append(b, url.QueryEscape(p.Attributes[i].Value.String())...)
	}
	return b
}
