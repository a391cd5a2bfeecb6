package ruptela

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// signature knows a frame by its checksum, and with a wrong one by an IMEI of
// 15 digits that is not too small to be one.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch {
	case len(first) == 0:
		return protocol.NeedMore
	case !mayStart(first):
		return protocol.No
	case len(first) < overhead+minContent:
		return protocol.NeedMore
	}
	size := overhead + int(binary.BigEndian.Uint16(first))
	switch {
	case len(first) < size:
		return protocol.NeedMore
	case converters.CRC16Kermit(first[2:size-2]) == binary.BigEndian.Uint16(first[size-2:]):
		return protocol.Sure
	case binary.BigEndian.Uint64(first[2:]) > maxIMEI/1000:
		return protocol.Maybe
	}
	return protocol.No
}
