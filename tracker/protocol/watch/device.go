package watch

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests. Messages carry
// the maker 3G and no index.

const deviceMaker = "3G"

// AppendLink appends LK, the heartbeat, with the attributes steps and
// batteryLevel. The server answers with LK.
func AppendLink(b []byte, id string, p *data.Position) []byte {
	level, ok := p.Attributes.Get("batteryLevel").Float()
	if !ok {
		return appendMessage(b, deviceMaker, id, "", []byte("LK"))
	}
	steps, _ := p.Attributes.Get("steps").Int()
	return appendMessage(b, deviceMaker, id, "", fmt.Appendf(nil, "LK,%d,0,%d", steps, converters.Clamp(level, 0, 100)))
}

// AppendPosition appends UD, or UD2 if the attribute archive is set, with the
// place, speed, course and altitude, and, from the attributes, sat, rssi,
// batteryLevel, steps, motion and the alarms sos, lowBattery, removing and
// fallDown. Neither is answered. Times are written in UTC, to the second.
func AppendPosition(b []byte, id string, p *data.Position) []byte {
	kind := "UD"
	if archive, _ := p.Attributes.Get("archive").Bool(); archive {
		kind = "UD2"
	}
	return appendMessage(b, deviceMaker, id, "", appendPlace(append(make([]byte, 0, 128), kind...), p))
}

// AppendAlarm appends AL, a position the server answers with AL.
func AppendAlarm(b []byte, id string, p *data.Position) []byte {
	return appendMessage(b, deviceMaker, id, "", appendPlace(append(make([]byte, 0, 128), "AL"...), p))
}

// AppendResult appends the answer to a command: its word alone.
func AppendResult(b []byte, id, word string) []byte {
	return appendMessage(b, deviceMaker, id, "", []byte(word))
}

func appendPlace(b []byte, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	validity, latitude, longitude := 'V', 'N', 'E'
	if p.Valid {
		validity = 'A'
	}
	if p.Latitude < 0 {
		latitude = 'S'
	}
	if p.Longitude < 0 {
		longitude = 'W'
	}
	number := func(key string) int64 {
		v, _ := p.Attributes.Get(key).Float()
		return converters.Clamp(v, 0, 1<<31-1)
	}
	b = t.UTC().AppendFormat(append(b, ','), "020106,150405,")
	b = fmt.Appendf(b, "%c,%.6f,%c,%.6f,%c,", validity, max(p.Latitude, -p.Latitude), latitude, max(p.Longitude, -p.Longitude), longitude)
	b = fmt.Appendf(b, "%.2f,%d,%d,", converters.KmhFromKnots(p.SpeedKnots), converters.Clamp(p.CourseDeg, 0, 360), converters.Clamp(p.AltitudeM, -500, 10000))
	b = fmt.Appendf(b, "%d,%d,%d,%d,0,", number("sat"), number("rssi"), number("batteryLevel"), number("steps"))
	return fmt.Appendf(b, "%08X,0,0", statusBits(p)) // neither cells nor access points
}

func statusBits(p *data.Position) (bits uint32) {
	if motion, _ := p.Attributes.Get("motion").Bool(); motion {
		bits |= 1 << 4
	}
	alarm, _ := p.Attributes.Get("alarm").Text()
	switch alarm {
	case "lowBattery":
		bits |= 1 << 0
	case "sos":
		bits |= 1 << 16
	case "removing":
		bits |= 1 << 20
	case "fallDown":
		bits |= 1 << 21
	}
	return bits
}

// Answer reads what the server says from the front of b: an answer or a
// command, as its word and what follows the comma behind it. size is 0 if more
// bytes are needed; ok is false if b does not start with a message.
func Answer(b []byte) (word, rest string, size int, ok bool) {
	if len(b) == 0 {
		return "", "", 0, true
	}
	h, whole := readHeader(b[:min(len(b), maxHeader)])
	if b[0] != opening || !whole {
		return "", "", 0, b[0] == opening && len(b) < maxHeader
	}
	if size = h.size + h.length + 1; len(b) < size {
		return "", "", 0, size <= maxCommand+maxHeader
	}
	content := b[h.size : size-1]
	if b[size-1] != closing {
		// The length does not count escapes.
		end := bytes.IndexByte(b[size:], closing)
		if end < 0 {
			return "", "", 0, len(b) <= 2*maxCommand
		}
		content, size = b[h.size:size+end], size+end+1
	}
	first, behind, _ := bytes.Cut(content, []byte{','})
	return string(first), string(behind), size, true
}

// Interval reads what follows UPLOAD: seconds.
func Interval(rest string) (every time.Duration, ok bool) {
	v, ok := number(rest)
	return time.Duration(v * float64(time.Second)), ok && v >= 1 && v <= 86400
}
