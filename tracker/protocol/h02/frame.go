package h02

import "bytes"

const (
	maxFrame  = 2 << 10
	shortSize = 32 // binary frame, and the block that begins with X
	longSize  = 45 // binary frame with a tail
	// longIDSize is a binary frame with an id of 8 bytes instead of 5.
	longIDSize = 42
)

// Next cuts a sentence *..#, a binary frame $.. or a block X... Binary frames
// have neither a length nor an end: they are short unless what follows shows
// that they are not.
func (c *codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		if c.after && skip > 0 && !blank(buf[:skip]) {
			c.binary = longSize // that was the tail of a long frame
		}
		c.after = false
		return c.cut(nil, skip)
	}
	if len(buf) == 0 {
		return nil, 0, nil
	}
	switch buf[0] {
	case '*':
		c.after = false
		return c.sentence(buf)
	case 'X':
		if len(buf) < shortSize {
			return nil, 0, nil
		}
		return c.cut(buf[:shortSize], shortSize)
	}
	size := c.binarySize(buf)
	if size == 0 || len(buf) < size {
		return nil, 0, nil
	}
	c.after = size == shortSize
	return c.cut(buf[:size], size)
}

func (c *codec) cut(frame []byte, n int) ([]byte, int, error) {
	c.examined = 0
	return frame, n, nil
}

func (c *codec) sentence(buf []byte) (frame []byte, n int, err error) {
	from := max(1, c.examined)
	end := bytes.IndexByte(buf[from:], '#')
	if end < 0 {
		switch {
		case c.udp:
			return c.cut(buf[:min(len(buf), maxFrame)], len(buf))
		case len(buf) >= maxFrame:
			return c.cut(nil, 1)
		}
		c.examined = len(buf)
		return nil, 0, nil
	}
	end += from + 1
	if end > maxFrame {
		return c.cut(nil, 1)
	}
	// A sentence within a sentence: the first one was torn.
	for i := end - 2; i > 0; i-- {
		if buf[i] == '*' && sentenceStarts(buf[i:end]) {
			return c.cut(nil, i)
		}
	}
	return c.cut(buf[:end], end)
}

// binarySize is the size of the binary frame that buf starts with, 0 if that
// is not known yet.
func (c *codec) binarySize(buf []byte) int {
	n := len(buf)
	switch {
	case n < shortSize:
		return 0
	case n >= longIDSize && hasLongID(buf) && (n == longIDSize || starts(buf[longIDSize:])):
		return longIDSize
	case c.udp && n <= longSize+1:
		return n
	case n == longSize && c.binary != shortSize,
		n > longSize && starts(buf[longSize:]) && !starts(buf[shortSize:]):
		c.binary = longSize
	case c.binary == longSize && n > shortSize && n != longSize && starts(buf[shortSize:]):
		c.binary = shortSize
	case c.binary == 0:
		c.binary = shortSize
	}
	return c.binary
}

// findStart tells where a message may start.
func findStart(buf []byte) int {
	for i, b := range buf {
		if b == '*' || b == '$' || b == 'X' {
			return i
		}
	}
	return len(buf)
}

// starts tells whether a message seems to start at the front of b: as far as
// it is there.
func starts(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case '*':
		return len(b) < 4 || sentenceStarts(b)
	case '$', 'X':
		for _, packed := range b[1:min(len(b), 6)] {
			if packed>>4 > 9 || packed&15 > 9 {
				return false
			}
		}
		return true
	}
	return false
}

// sentenceStarts tells whether b starts with a maker and the comma after it.
func sentenceStarts(b []byte) bool {
	return len(b) > 4 && b[0] == '*' && letter(b[1]) && letter(b[2]) && b[3] == ',' && (b[4] == ',' || b[4] >= '0' && b[4] <= '9')
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func blank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// hasLongID tells whether the date and the time of a binary frame lie where an
// id of 8 bytes puts them, and not where one of 5 bytes does.
func hasLongID(b []byte) bool { return dated(b[1+8:]) && !dated(b[1+5:]) }

func dated(b []byte) bool {
	var v [6]int
	for i := range v {
		if b[i]>>4 > 9 || b[i]&15 > 9 {
			return false
		}
		v[i] = int(b[i]>>4)*10 + int(b[i]&15)
	}
	return v[0] < 24 && v[1] < 60 && v[2] < 60 && v[3] >= 1 && v[3] <= 31 && v[4] >= 1 && v[4] <= 12
}
