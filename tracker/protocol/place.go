package protocol

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waymark-gps/waymark/data"
)

// SetPlace puts coordinates into p. Coordinates that are not on earth are not
// stored: the report becomes an outdated one, which keeps its attributes.
func SetPlace(p *data.Position, latitude, longitude float64) {
	if latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180 {
		p.Latitude, p.Longitude, p.Outdated = latitude, longitude, false
		return
	}
	p.Latitude, p.Longitude, p.Outdated, p.Valid = 0, 0, true, false
}

// Course returns a course as sent in degrees; 0, unknown, if it is none.
func Course(deg float64) float64 {
	if deg >= 0 && deg <= 360 {
		return deg
	}
	return 0
}

// The clock of a device is believed from earliestTime, before which it was not
// set, to latestTime.
var (
	earliestTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latestTime   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// UnixMilli returns a time sent as milliseconds since 1970, the zero time if a
// device's clock can not have meant it.
func UnixMilli(ms int64) time.Time {
	if ms < earliestTime.UnixMilli() || ms >= latestTime.UnixMilli() {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Date returns a time sent as fields, the zero time if there is no such date.
func Date(year, month, day, hour, minute, second int) time.Time {
	if year < earliestTime.Year() || year >= latestTime.Year() || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour > 23 || minute > 59 || second > 60 {
		return time.Time{}
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
}

// Text returns text of a device without blanks and control characters at its
// ends. What is not UTF-8 is read as ISO 8859-1.
func Text(b []byte) string {
	s := strings.TrimFunc(string(b), func(r rune) bool { return r <= ' ' })
	if utf8.ValidString(s) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}
