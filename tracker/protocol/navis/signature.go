package navis

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// signature knows the usual preamble, and one of the owner's own by the two
// checksums of the header. FLEX messages begin with a mark that jt808 uses too;
// their checksum is the last byte.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	if m := protocol.Begins(first, preamble); m != protocol.No {
		return m
	}
	switch {
	case len(first) == 0:
		return protocol.NeedMore
	case first[0] == flexMark && len(first) < 2:
		return protocol.NeedMore
	case first[0] == flexMark:
		switch {
		case !isFlex(first):
			return protocol.No
		case converters.CRC8NRSC5(first[:len(first)-1]) == first[len(first)-1]:
			return protocol.Sure
		}
		return protocol.Maybe
	case first[0] == keepAlive || !mayStart(first), isText(first[min(len(first), 4):]):
		return protocol.No
	case len(first) < headerSize:
		return protocol.NeedMore
	}
	switch end := headerSize + int(binary.LittleEndian.Uint16(first[12:])); {
	case len(first) < end:
		return protocol.NeedMore
	case converters.XOR8(first[headerSize:end]) == first[14]:
		return protocol.Sure
	}
	return protocol.No
}

// isText tells whether what stands where a header has the number of the receiver
// is text.
func isText(b []byte) bool {
	for _, c := range b[:min(len(b), 4)] {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' {
			return false
		}
	}
	return len(b) > 0
}
