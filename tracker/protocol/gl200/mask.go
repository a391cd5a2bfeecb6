package gl200

import "bytes"

// mask finds the password of a command: AT+GT<type>=<password>,
func mask(frame []byte) (from, to int) {
	if !bytes.HasPrefix(frame, []byte("AT+GT")) {
		return 0, 0
	}
	from = bytes.IndexByte(frame, '=') + 1
	length := bytes.IndexByte(frame[from:], ',')
	if from == 0 || length < 0 {
		return 0, 0
	}
	return from, from + length
}
