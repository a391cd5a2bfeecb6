package gl200

import (
	"bytes"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests: the text form
// of a GV300.

// deviceVersion is a GV300 with protocol 5.02.
const deviceVersion = "060502"

// AppendHeartbeat appends +ACK:GTHBD, which the server answers with the same
// count.
func AppendHeartbeat(b []byte, imei string, p *data.Position, count uint16) []byte {
	b = fmt.Appendf(b, "+ACK:GTHBD,%s,%s,,", deviceVersion, imei)
	return appendEnd(b, p, count)
}

// AppendPosition appends the periodic report GTFRI, as +BUFF if the attribute
// archive is set, with the place, speed, course, altitude and the first cell,
// and, from the attributes, power, hdop (0 if the fix is not valid), odometer
// (to 100 m), batteryLevel, ignition and out1. The server answers only if it is told
// that the device wants it. Times are written in UTC, to the second.
func AppendPosition(b []byte, imei string, p *data.Position, count uint16) []byte {
	head := "+RESP"
	if archive, _ := p.Attributes.Get("archive").Bool(); archive {
		head = "+BUFF"
	}
	b = fmt.Appendf(b, "%s:GTFRI,%s,%s,,", head, deviceVersion, imei)
	if power, ok := p.Attributes.Get("power").Float(); ok {
		b = fmt.Appendf(b, "%d", converters.Clamp(power*1000, 0, 99999))
	}
	b = append(b, ",10,1,"...) // by time; one point
	b = appendLocation(b, p)
	if odometer, ok := p.Attributes.Get("odometer").Float(); ok {
		b = fmt.Appendf(b, "%.1f", odometer/1000)
	}
	b = append(b, ",,,,"...) // hours, two measurements
	if level, ok := p.Attributes.Get("batteryLevel").Float(); ok {
		b = fmt.Appendf(b, "%d", converters.Clamp(level, 0, 100))
	}
	b = fmt.Appendf(b, ",%s,,,,", statusWord(p)) // rpm, consumption, fuel
	return appendEnd(b, p, count)
}

func appendLocation(b []byte, p *data.Position) []byte {
	hdop, ok := p.Attributes.Get("hdop").Float()
	switch {
	case !p.Valid:
		hdop = 0
	case !ok || hdop <= 0:
		hdop = 1
	}
	b = fmt.Appendf(b, "%g,%.1f,%d,%.1f,%.6f,%.6f,", hdop, converters.KmhFromKnots(p.SpeedKnots), converters.Clamp(p.CourseDeg, 0, 360),
		p.AltitudeM, p.Longitude, p.Latitude)
	b = p.FixTime.UTC().AppendFormat(b, "20060102150405,")
	if p.Network != nil && len(p.Network.CellTowers) > 0 {
		c := &p.Network.CellTowers[0]
		return fmt.Appendf(b, "%04d,%04d,%04X,%04X,00,", c.MCC, c.MNC, c.LAC, c.CellID)
	}
	return append(b, ",,,,00,"...)
}

// statusWord is the state of ignition, inputs and outputs.
func statusWord(p *data.Position) string {
	ignition, out := 0x10, 0
	if on, _ := p.Attributes.Get("ignition").Bool(); on {
		ignition = 0x20
	}
	if on, _ := p.Attributes.Get("out1").Bool(); on {
		out = 1
	}
	return fmt.Sprintf("%02X00%02X", ignition, out)
}

// AppendResult appends the acknowledgement of a command: its word, as RTO, and
// the serial number that the command ended with.
func AppendResult(b []byte, imei, word, serial string, p *data.Position, count uint16) []byte {
	b = fmt.Appendf(b, "+ACK:GT%s,%s,%s,,%s,", word, deviceVersion, imei, serial)
	return appendEnd(b, p, count)
}

// appendEnd appends the time of sending, the count and the mark.
func appendEnd(b []byte, p *data.Position, count uint16) []byte {
	t := p.DeviceTime
	if t.IsZero() {
		t = p.FixTime
	}
	b = t.UTC().AppendFormat(b, "20060102150405")
	return fmt.Appendf(b, ",%04X$", count)
}

// Answer reads what the server says from the front of b, without the mark at
// its end. size is 0 if more bytes are needed; ok is false if too many have come
// without a mark.
func Answer(b []byte) (text string, size int, ok bool) {
	end := bytes.IndexByte(b, '$')
	if end < 0 {
		return "", 0, len(b) < maxFrame
	}
	return string(b[:end]), end + 1, true
}
