package gl200

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows the heads of text and of binary messages.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch formOf(first) {
	case formNone:
		return protocol.No
	case formUnknown:
		return protocol.NeedMore
	case formNew:
		if len(first) < 4 {
			return protocol.NeedMore
		}
		if size := int(binary.BigEndian.Uint16(first[2:])); size < minRecord || size > maxFrame {
			return protocol.No
		}
	}
	return protocol.Sure
}
