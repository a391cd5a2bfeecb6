package report

import (
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Unit says what a column's numbers are, so that tables can show them as people
// wish.
type Unit uint8

// The units of columns.
const (
	// Plain values are shown as they are.
	Plain Unit = iota
	// Time is milliseconds since 1970 UTC; Date the same of the begin of a day.
	Time
	Date
	// Duration is milliseconds.
	Duration
	// Speed is knots, Distance and Altitude metres, Volume litres, Consumption litres
	// per 100 km.
	Speed
	Distance
	Altitude
	Volume
	Consumption
)

// Column is a field of a report's rows.
type Column struct {
	// Key is the field's name in JSON; empty: in tables only.
	Key string
	// Title is the head of the column; empty: in JSON only.
	Title string
	Unit  Unit
	// Width is how wide a table shows it, in characters; 0 is as wide as the title.
	Width int
}

// The columns that several reports have.
var (
	deviceColumns = []Column{{Key: "deviceId"}, {Key: "deviceName", Title: "Device", Width: 24}}
	amountColumns = []Column{
		{Key: "distance", Title: "Distance", Unit: Distance},
		{Key: "averageSpeed", Title: "Average speed", Unit: Speed},
		{Key: "maxSpeed", Title: "Maximum speed", Unit: Speed},
		{Key: "spentFuel", Title: "Fuel", Unit: Volume},
		{Key: "startOdometer", Title: "Odometer at start", Unit: Distance},
		{Key: "endOdometer", Title: "Odometer at end", Unit: Distance},
	}
	spanColumns = []Column{{Key: "startTime", Title: "Start", Unit: Time, Width: 20}, {Key: "endTime", Title: "End", Unit: Time, Width: 20}}
)

// common are the columns that all rows of movement begin with; see commonValues.
func common(more ...Column) []Column {
	return slices.Concat(deviceColumns, spanColumns, amountColumns, more)
}

// amounts are the numbers of the common columns.
type amounts struct {
	// start and end are milliseconds since 1970 UTC.
	start, end int64
	distanceM  float64
	// averageKnots and maxKnots are speeds.
	averageKnots, maxKnots float64
	fuelL                  float64
	// odometers are metres.
	odometerStart, odometerEnd float64
}

// commonValues begins a row.
func commonValues(v []data.Value, d *data.Device, a *amounts) []data.Value {
	return append(v, data.Int(d.ID), data.String(d.Name), data.Int(a.start), data.Int(a.end), data.Float(a.distanceM),
		data.Float(a.averageKnots), data.Float(a.maxKnots), data.Float(a.fuelL), data.Float(a.odometerStart), data.Float(a.odometerEnd))
}

// litres are those burnt: sloshing does not make fuel.
func litres(ml int64) float64 { return float64(max(ml, 0)) / 1000 }

// metres are whole millimetres as metres.
func metres(mm int64) float64 { return float64(mm) / 1000 }

// odometer is the device's own, or else our count.
func odometer(ownM float64, totalMM int64) float64 {
	if ownM >= 0 {
		return ownM
	}
	return metres(totalMM)
}

// knots is the average speed of a way.
func knots(distanceMM, ms int64) float64 {
	if ms <= 0 {
		return 0
	}
	const mmPerMsPerKnot = 1852.0 / 3600 // a knot is 1,852 m an hour
	return float64(distanceMM) / float64(ms) / mmPerMsPerKnot
}

// optional is a text that may be missing.
func optional(s string) data.Value {
	if s == "" {
		return data.Value{}
	}
	return data.String(s)
}

// AppendJSON appends the row as an object.
func (r *Row) AppendJSON(b []byte, columns []Column) []byte {
	if r.JSON != nil {
		return r.JSON(b)
	}
	b = append(b, '{')
	first := true
	for i, c := range columns {
		if c.Key == "" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(data.AppendJSONString(b, c.Key), ':')
		if ms, ok := r.Values[i].Int(); ok && (c.Unit == Time || c.Unit == Date) {
			b = data.AppendJSONTime(b, time.UnixMilli(ms).UTC())
			continue
		}
		b = r.Values[i].AppendJSON(b)
	}
	return append(b, '}')
}
