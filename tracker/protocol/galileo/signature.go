package galileo

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// signature knows a packet by its checksum, and one from the Iridium network by
// its first element. Data begins with a tag that identifies the device.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch {
	case len(first) == 0:
		return protocol.NeedMore
	case !mayStart(first):
		return protocol.No
	case len(first) < minFrame:
		return protocol.NeedMore
	case isIridium(first):
		return protocol.Sure
	}
	size := frameSize(first)
	switch {
	case len(first) < size:
		return protocol.NeedMore
	case converters.CRC16Modbus(first[:size-2]) == binary.LittleEndian.Uint16(first[size-2:]):
		return protocol.Sure
	}
	return protocol.No
}
