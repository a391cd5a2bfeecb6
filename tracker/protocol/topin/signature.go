package topin

import (
	"bytes"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// knownKinds are the types a device sends.
var knownKinds = []byte{0x01, 0x08, 0x09, 0x10, 0x11, 0x13, 0x14, 0x15, 0x17, 0x18, 0x19, 0x1A, 0x30, 0x69, 0x92, 0x93, 0x94, 0x99}

// tailOfOthers is the serial number and the checksum that the length of the
// same frame of gt06 would count, with the type.
const tailOfOthers = 1 + 4

// signature knows a frame that ends where its type says and where the length
// does not, as gt06, which has the same mark, would count it.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch m := protocol.Begins(first, "\x78\x78"); {
	case m != protocol.Sure:
		return m
	case len(first) < headerSize+len(stop):
		return protocol.NeedMore
	case bytes.IndexByte(knownKinds, first[3]) < 0:
		return protocol.No
	}
	least, length := leastSize(first), int(first[2])
	i := -1
	if least < len(first) {
		i = bytes.Index(first[least:], stop)
	}
	if i < 0 {
		if len(first) < maxFrame {
			return protocol.NeedMore
		}
		return protocol.No
	}
	size := least + i + len(stop)
	exact := i == 0 || first[3] == kindStatus || i <= optionalGPS && (first[3] == kindGPS || first[3] == kindGPSStored)
	counted := 2 + 1 + length + len(stop)
	switch {
	case first[3] == kindWifi || first[3] == kindWifiStored:
		return protocol.Maybe // gt06 has the same scan
	case length < tailOfOthers && !isScan(first[3]) && size == len(first):
		return protocol.Sure
	case !exact && !isScan(first[3]):
		return protocol.No
	case counted == size:
		return protocol.Maybe
	case size == len(first) || bytes.HasPrefix(first[size:], []byte{mark, mark}):
		return protocol.Sure
	}
	return protocol.Maybe
}

// optionalGPS are the altitude and the alarm behind a place.
const optionalGPS = 2 + 1
