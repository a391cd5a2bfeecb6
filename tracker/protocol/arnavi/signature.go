package arnavi

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// maxIMEI is the largest number of 15 digits.
const maxIMEI = 999_999_999_999_999

// signature knows a header by its version and its IMEI, a package by the type
// of its first packet, and the text.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	if m := protocol.Begins(first, "$AV,V"); m != protocol.No {
		return m
	}
	switch {
	case !mayStart(first):
		return protocol.No
	case len(first) < 3:
		return protocol.NeedMore
	case first[0] == headerMark && len(first) < headerSize:
		return protocol.NeedMore
	case first[0] == headerMark:
		if imei := binary.LittleEndian.Uint64(first[2:]); imei == 0 || imei > maxIMEI {
			return protocol.No
		}
		return protocol.Sure
	}
	switch first[2] {
	case packetTags, packetText, packetFile, packetBinary:
		return protocol.Sure
	case packetPing, packageEnd:
		return protocol.Maybe
	}
	return protocol.No
}
