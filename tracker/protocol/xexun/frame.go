package xexun

import "bytes"

const maxFrame = 1 << 10

var (
	markIMEI = []byte("imei:")
	// markRMC is GPRMC, GNRMC and the like without the satellites' letter.
	markRMC = []byte("RMC,")
)

// Next cuts a message: from the sentence to the comma after the IMEI, or, if
// the device is known to send full messages, the line with the IMEI.
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
	end, ok := c.end(buf, imei+len(markIMEI))
	if !ok {
		if len(buf) >= maxFrame {
			return c.cut(nil, imei+len(markIMEI))
		}
		return nil, 0, nil
	}
	start := c.start(buf[:imei])
	if end-start > maxFrame {
		return c.cut(nil, end)
	}
	return c.cut(buf[start:end], end)
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined = 0
	return frame, n, nil
}

// end finds the end of the message whose IMEI begins at i.
func (c *codec) end(buf []byte, i int) (end int, ok bool) {
	if c.full {
		line := bytes.IndexByte(buf[i:], '\n')
		return i + line + 1, line >= 0
	}
	for ; i < len(buf); i++ {
		if buf[i] == ',' {
			return i + 1, true
		}
		if buf[i] < '0' || buf[i] > '9' {
			return i, true
		}
	}
	return 0, false
}

// start finds the start of a message in what lies before its IMEI.
func (c *codec) start(before []byte) int {
	i := bytes.LastIndex(before, markRMC)
	if i >= 2 {
		i -= 2 // GP, GN
	}
	if !c.full {
		return max(i, 0)
	}
	if i < 0 {
		i = len(before)
	}
	return bytes.LastIndexByte(before[:i], '\n') + 1
}
