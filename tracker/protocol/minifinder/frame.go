package minifinder

import "bytes"

const (
	maxFrame = 1 << 10
	start    = '!'
	end      = ';'
)

// Next cuts from an exclamation mark to the semicolon, which is left out.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	switch i := bytes.IndexByte(buf, start); {
	case i < 0:
		return nil, len(buf), nil
	case i > 0:
		return nil, i, nil // also the zero byte that some devices send after the semicolon
	}
	i := bytes.IndexByte(buf[:min(len(buf), maxFrame)], end)
	if i < 0 {
		if len(buf) >= maxFrame {
			return nil, 1, nil
		}
		return nil, 0, nil
	}
	// Only an answer to a command may hold an exclamation mark: elsewhere it
	// begins the message after one that was torn.
	if inner := bytes.LastIndexByte(buf[1:i], start); inner >= 0 && buf[1] != '3' {
		return nil, 1 + inner, nil
	}
	return buf[:i], i + 1, nil
}
