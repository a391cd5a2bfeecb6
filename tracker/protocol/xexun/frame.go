package xexun

import (
	"bytes"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

const maxFrame = 1 << 10

var (
	markIMEI = []byte("imei:")
	// markRMC is GPRMC, GNRMC and the like without the satellites' letter.
	markRMC = []byte("RMC,")
)

// Next cuts a message: from the sentence to the comma after the IMEI, or the
// whole line if it is a full message. That is what the setting says, or what
// shows in front of the sentence and behind the IMEI.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	imei := bytes.Index(buf[min(c.examined, len(buf)):], markIMEI)
	if imei < 0 {
		if len(buf) >= maxFrame {
			return c.cut(nil, len(buf)-len(markIMEI)+1)
		}
		c.examined = max(0, len(buf)-len(markIMEI)+1)
		return nil, 0, nil
	}
	imei += c.examined
	c.examined = imei
	start, end := c.bounds(buf, imei)
	switch {
	case end == 0 && len(buf) >= maxFrame:
		return c.cut(nil, imei+len(markIMEI))
	case end == 0:
		return nil, 0, nil
	case end-start > maxFrame:
		return c.cut(nil, end)
	}
	return c.cut(buf[start:end], end)
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined = 0
	return frame, n, nil
}

// bounds finds the message with an IMEI; end is 0 if it is not there yet.
func (c *codec) bounds(buf []byte, imei int) (start, end int) {
	sentence := bytes.LastIndex(buf[:imei], markRMC)
	if sentence >= 2 {
		sentence -= 2 // GP, GN
	}
	head := sentence
	if head < 0 {
		head = imei
	}
	line := bytes.LastIndexByte(buf[:head], '\n') + 1
	if c.full {
		return line, lineEnd(buf, imei)
	}
	end = imeiEnd(buf, imei+len(markIMEI))
	start = max(sentence, 0)
	if end == 0 || sentence < 0 || buf[end-1] != ',' || !isHead(buf[line:sentence]) {
		return start, end
	}
	if end == len(buf) && c.bare {
		return start, end
	}
	switch tailFits(buf[end:]) {
	case protocol.Sure:
		start, end = line, lineEnd(buf, end)
	case protocol.NeedMore:
		end = 0
	default:
		c.bare = true
	}
	return start, end
}

// imeiEnd is the end of an IMEI and the comma behind it, 0 if that is not there
// yet.
func imeiEnd(buf []byte, i int) int {
	for ; i < len(buf); i++ {
		if buf[i] == ',' {
			return i + 1
		}
		if buf[i] < '0' || buf[i] > '9' {
			return i
		}
	}
	return 0
}

// lineEnd is the end of the line at i, 0 if that is not there yet.
func lineEnd(buf []byte, i int) int {
	if n := bytes.IndexByte(buf[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return 0
}

// isHead tells whether b, which stands in front of a sentence, is the serial
// number and the phone number of a full message.
func isHead(b []byte) bool {
	serial, rest, ok := bytes.Cut(b, []byte{','})
	return ok && fields.AllDigits(serial) && len(rest) > 0 && bytes.IndexByte(rest, ',') == len(rest)-1
}

// tailFits tells whether b begins like the end of a full message: satellites,
// altitude, F or L with a voltage.
func tailFits(b []byte) protocol.Match {
	const longest = 8 // satellites, and the altitude
	i := 0
	for range 2 {
		from := i
		for i < len(b) && i-from < longest && (b[i] >= '0' && b[i] <= '9' || b[i] == '.' || b[i] == '-') {
			i++
		}
		if i == len(b) {
			return protocol.NeedMore
		}
		if b[i] != ',' {
			return protocol.No
		}
		i++
	}
	return protocol.BeginsAny(b[i:], "F:", "L:")
}
