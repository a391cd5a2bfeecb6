package egts

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// signature knows a header by its checksum.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch {
	case !mayStart(first):
		return protocol.No
	case len(first) < headerShort, len(first) < int(first[3]):
		return protocol.NeedMore
	}
	last := int(first[3]) - 1
	if converters.CRC8NRSC5(first[:last]) != first[last] {
		return protocol.No
	}
	return protocol.Sure
}
