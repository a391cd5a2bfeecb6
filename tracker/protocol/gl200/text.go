package gl200

import (
	"bytes"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// hasPoint tells whether b is a number with a decimal point.
func hasPoint(b []byte) bool {
	_, ok := fields.Number(b)
	return ok && bytes.IndexByte(b, '.') >= 0
}

// timestamp reads yyyymmddhhmmss; some devices leave out the seconds.
func timestamp(b []byte) time.Time {
	if !isTime(b) {
		return time.Time{}
	}
	second := 0
	if len(b) == 14 {
		second = fields.Pair(b, 12)
	}
	year := fields.Pair(b, 0)*100 + fields.Pair(b, 2)
	return protocol.Date(year, fields.Pair(b, 4), fields.Pair(b, 6), fields.Pair(b, 8), fields.Pair(b, 10), second)
}

// isTime tells whether b looks like a time.
func isTime(b []byte) bool { return (len(b) == 14 || len(b) == 12) && fields.AllDigits(b) }

// isPlace tells whether b looks like a coordinate: -?d{1,3}.d{6}.
func isPlace(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	n := len(b)
	return n >= 8 && n <= 10 && b[n-7] == '.' && fields.AllDigits(b[:n-7]) && fields.AllDigits(b[n-6:])
}

// isStatus tells whether b looks like the status word: 6 hex digits.
func isStatus(b []byte) bool { return len(b) == 6 && fields.AllHexDigits(b) }
