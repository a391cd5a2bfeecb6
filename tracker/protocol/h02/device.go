package h02

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests. Sentences carry
// the maker HQ.

// AppendHandshake appends V0, which the server repeats.
func AppendHandshake(b []byte, id string) []byte { return appendSentence(b, id, "V0") }

// AppendHeartbeat appends HTBT with the attribute batteryLevel, if there is one.
func AppendHeartbeat(b []byte, id string, p *data.Position) []byte {
	if level, ok := p.Attributes.Get("batteryLevel").Float(); ok {
		return appendSentence(b, id, fmt.Sprintf("HTBT,%d", converters.Clamp(level, 0, 100)))
	}
	return appendSentence(b, id, "HTBT")
}

// AppendPosition appends V1 with the place, speed and course, and, from the
// attributes, batteryLevel (above 6 per cent), ignition and alarm (sos,
// overspeed, vibration, powerCut). Times are written in UTC, to the second.
func AppendPosition(b []byte, id string, p *data.Position) []byte {
	return appendPlace(appendHead(b, id, "V1"), p)
}

// AppendEcho appends V4: that a command was carried out, with its code and its
// parameters, and where.
func AppendEcho(b []byte, id, command string, p *data.Position) []byte {
	b = append(appendHead(b, id, "V4"), ',')
	return appendPlace(append(b, command...), p)
}

func appendHead(b []byte, id, kind string) []byte {
	b = append(append(b, "*HQ,"...), id...)
	return append(append(b, ','), kind...)
}

func appendSentence(b []byte, id, rest string) []byte { return append(appendHead(b, id, rest), '#') }

func appendPlace(b []byte, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	t = t.UTC()
	validity := byte('V')
	if p.Valid {
		validity = 'A'
	}
	b = append(b, ',')
	b = t.AppendFormat(b, "150405")
	b = append(b, ',', validity, ',')
	b = appendCoordinate(b, p.Latitude, 2, 'N', 'S')
	b = appendCoordinate(b, p.Longitude, 3, 'E', 'W')
	b = fmt.Appendf(b, "%06.2f,%03d,", p.SpeedKnots, converters.Clamp(p.CourseDeg, 0, 360))
	if level, ok := p.Attributes.Get("batteryLevel").Float(); ok && level > 6 {
		b = fmt.Appendf(b, "%d,", converters.Clamp(level, 7, 100))
	}
	return fmt.Appendf(b, "%s,%08X#", t.Format("020106"), statusWord(p))
}

// appendCoordinate appends degrees and minutes with four decimals, a comma, the
// hemisphere and a comma.
func appendCoordinate(b []byte, deg float64, width int, positive, negative byte) []byte {
	hemisphere := positive
	if deg < 0 {
		hemisphere, deg = negative, -deg
	}
	const perDegree = 60 * 10000
	v := converters.Clamp(deg*perDegree, 0, 180*perDegree)
	b = fmt.Appendf(b, "%0*d%02d.%04d", width, v/perDegree, v%perDegree/10000, v%10000)
	return append(b, ',', hemisphere, ',')
}

// alarmBits are the alarms by the bit of the status word that is 0 then.
var alarmBits = map[string]int{"vibration": 0, "sos": 1, "overspeed": 2, "powerCut": 19}

func statusWord(p *data.Position) uint32 {
	status := ^uint32(0)
	if on, _ := p.Attributes.Get("ignition").Bool(); !on {
		status &^= 1 << 10
	}
	alarm, _ := p.Attributes.Get("alarm").Text()
	if bit, ok := alarmBits[alarm]; ok {
		status &^= 1 << bit
	}
	return status
}

// Answer reads what the server says from the front of b: the type, which is
// V4, V0, HTBT, R12 or the code of a command, and the fields behind it. size is
// 0 if more bytes are needed; ok is false if b does not start with a sentence.
func Answer(b []byte) (kind, fields string, size int, ok bool) {
	if len(b) == 0 {
		return "", "", 0, true
	}
	end := bytes.IndexByte(b, '#')
	if b[0] != '*' || end < 0 {
		return "", "", 0, b[0] == '*' && len(b) <= maxCommand
	}
	parts := strings.SplitN(string(b[1:end]), ",", 4)
	if len(parts) < 3 {
		return "", "", 0, false
	}
	if len(parts) == 4 {
		fields = parts[3]
	}
	return parts[2], fields, end + 1, true
}

// Interval reads the command that sets how often to report: S71 with 22 and the
// seconds, or D1 with the seconds, each behind the time of the command.
func Interval(kind, fields string) (every time.Duration, ok bool) {
	var seconds int
	format := map[string]string{"S71": "22,%d", "D1": "%d"}[kind]
	_, parameters, _ := strings.Cut(fields, ",")
	if format == "" {
		return 0, false
	}
	if _, err := fmt.Sscanf(parameters, format, &seconds); err != nil || seconds < 1 || seconds > 86400 {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}
