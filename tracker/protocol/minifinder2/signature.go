package minifinder2

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows a frame by its checksum; with a wrong one it may be meant if
// the type is known.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch m := protocol.Begins(first, "\xAB"); {
	case m != protocol.Sure:
		return m
	case len(first) <= headerSize:
		return protocol.NeedMore
	}
	size := headerSize + int(binary.LittleEndian.Uint16(first[2:]))
	switch {
	case size == headerSize || size > maxFrame || !known(first[headerSize]):
		return protocol.No
	case len(first) < size:
		return protocol.NeedMore
	case checks(first[:size]):
		return protocol.Sure
	}
	return protocol.Maybe
}
