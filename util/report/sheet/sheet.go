// Package sheet writes reports as files: JSON as the API has it, and CSV and
// XLSX for people, in their time zone and units. Writers are streams: what they
// hold in memory does not grow with the rows.
package sheet

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats/xlsx"
	"github.com/waymark-gps/waymark/util/report"
)

// Writer writes reports, one after the other where the format has room for
// several. Its errors are those of the writer below. It belongs to one goroutine.
type Writer interface {
	// Begin begins a report.
	Begin(r *report.Report) error
	// Row writes a row of it.
	Row(row *report.Row) error
	// Close writes the end of the file. The writer below stays open.
	Close() error
}

// Format is a kind of file.
type Format struct {
	// Name is what a person asks for, and the end of the file's name.
	Name string
	// ContentType is the media type with its parameters, Accept without.
	ContentType, Accept string
	// Several: a file has room for several reports.
	Several bool
	// New makes a Writer. The caller closes it.
	New func(w io.Writer, s Settings) Writer
}

// All are the formats; the first is what one gets who does not ask.
var All = []Format{
	{"json", "application/json", "application/json", false, newJSON},
	{"csv", "text/csv; charset=utf-8", "text/csv", false, newCSV},
	{"xlsx", xlsx.ContentType, xlsx.ContentType, true, newXLSX},
}

// Named finds a format.
func Named(name string) (Format, error) {
	i := slices.IndexFunc(All, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, fmt.Errorf("%w: there are no reports as %q", data.ErrInvalid, name)
	}
	return All[i], nil
}

// bufferSize is how much is gathered before it is written, in bytes.
const bufferSize = 32 << 10

// Settings are how a person likes to read numbers and times.
type Settings struct {
	// Zone is the time zone.
	Zone *time.Location
	// The units; the zero value is km/h, kilometres, metres and litres.
	Speed, Distance, Altitude, Volume unit
}

// unit is what numbers are shown in.
type unit struct {
	name string
	// per is how many are in the unit of the data; 0 stands for the default.
	per float64
}

func (u unit) or(otherwise unit) unit {
	if u.per == 0 {
		return otherwise
	}
	return u
}

// The units by the values of the attributes speedUnit, distanceUnit, altitudeUnit
// and volumeUnit: of knots, metres and litres.
var (
	speeds    = map[string]unit{"kmh": {"km/h", 1.852}, "kn": {"kn", 1}, "mph": {"mph", 1852 / 1609.344}}
	distances = map[string]unit{"km": {"km", 1e-3}, "mi": {"mi", 1 / 1609.344}, "nmi": {"nmi", 1.0 / 1852}}
	altitudes = map[string]unit{"m": {"m", 1}, "ft": {"ft", 1 / 0.3048}}
	volumes   = map[string]unit{"ltr": {"l", 1}, "usGal": {"US gal", 1 / 3.785411784}, "impGal": {"imp gal", 1 / 4.54609}}
)

// Of are the settings of a person: of the attributes given, the first that has
// one counts.
func Of(attributes ...map[string]any) Settings {
	s := Settings{Zone: time.UTC}
	slices.Reverse(attributes)
	for _, of := range attributes {
		if name, _ := of["timezone"].(string); name != "" {
			if zone, err := time.LoadLocation(name); err == nil {
				s.Zone = zone
			}
		}
		for key, choice := range map[string]struct {
			units map[string]unit
			to    *unit
		}{
			"speedUnit": {speeds, &s.Speed}, "distanceUnit": {distances, &s.Distance},
			"altitudeUnit": {altitudes, &s.Altitude}, "volumeUnit": {volumes, &s.Volume},
		} {
			name, _ := of[key].(string)
			if u, ok := choice.units[name]; ok {
				*choice.to = u
			}
		}
	}
	return s
}

// unitOf is what a column's numbers are shown in; without a name as they are.
func (s *Settings) unitOf(u report.Unit) unit {
	switch u {
	case report.Speed:
		return s.Speed.or(speeds["kmh"])
	case report.Distance:
		return s.Distance.or(distances["km"])
	case report.Altitude:
		return s.Altitude.or(altitudes["m"])
	case report.Volume:
		return s.Volume.or(volumes["ltr"])
	case report.Consumption: // the measure of the trade, wherever
		return unit{"l/100 km", 1}
	}
	return unit{"", 1}
}

// column is a column of a table.
type column struct {
	report.Column
	// at is its place in the values of a row.
	at   int
	unit unit
}

// table are the columns of a report that a table shows.
func (s *Settings) table(r *report.Report) []column {
	var out []column
	for i, c := range r.Columns {
		if c.Title == "" {
			continue
		}
		one := column{Column: c, at: i, unit: s.unitOf(c.Unit)}
		if one.unit.name != "" {
			one.Title += " (" + one.unit.name + ")"
		}
		out = append(out, one)
	}
	return out
}
