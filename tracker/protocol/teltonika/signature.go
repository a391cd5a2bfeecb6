package teltonika

import (
	"encoding/binary"
	"slices"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// codecs are the kinds of data.
var codecs = []byte{0x07, 0x08, 0x8E, 0x10, 0x0C, 0x0D, 0x0E, 0x0F}

// signature knows a login by its digits, a packet by its codec and checksum, a
// datagram by the IMEI in it.
func signature(first []byte, tr protocol.Transport) protocol.Match {
	switch {
	case tr == protocol.UDP:
		return datagramSignature(first)
	case len(first) > 1 && first[0] == keepAlive:
		first = first[1:]
	}
	switch {
	case len(first) > 0 && first[0] == keepAlive:
		return protocol.NeedMore
	case len(first) > 0 && first[0] != 0:
		return protocol.No
	case len(first) < 2:
		return protocol.NeedMore
	}
	if size := int(binary.BigEndian.Uint16(first)); size > 0 {
		return loginSignature(first, size)
	}
	if m := protocol.Begins(first, "\x00\x00\x00\x00"); m != protocol.Sure || len(first) < 9 {
		return min(m, protocol.NeedMore)
	}
	length := int(binary.BigEndian.Uint32(first[4:]))
	switch {
	case length < 3 || length > maxFrame-dataOverhead || !slices.Contains(codecs, first[8]):
		return protocol.No
	case len(first) < dataOverhead+length:
		return protocol.NeedMore
	case uint32(converters.CRC16ARC(first[8:8+length])) == binary.BigEndian.Uint32(first[8+length:]):
		return protocol.Sure
	}
	return protocol.Maybe
}

// loginSignature looks at the digits behind the length of a login.
func loginSignature(first []byte, size int) protocol.Match {
	if size < 10 || size > maxIMEI {
		return protocol.No
	}
	for _, c := range first[2:min(len(first), 2+size)] {
		if c < '0' || c > '9' {
			return protocol.No
		}
	}
	if len(first) < 2+size {
		return protocol.NeedMore
	}
	return protocol.Sure
}

// datagramSignature looks at a whole datagram: length, number, type, number of
// the AVL packet, length of the IMEI, IMEI, codec.
func datagramSignature(first []byte) protocol.Match {
	const toIMEI = 2 + 2 + 1 + 1 + 2
	if len(first) < toIMEI+1 || 2+int(binary.BigEndian.Uint16(first)) != len(first) {
		return protocol.No
	}
	size := int(binary.BigEndian.Uint16(first[toIMEI-2:]))
	if size > maxIMEI || len(first) < toIMEI+size+1 || !slices.Contains(codecs, first[toIMEI+size]) {
		return protocol.No
	}
	for _, c := range first[toIMEI : toIMEI+size] {
		if c < '0' || c > '9' {
			return protocol.No
		}
	}
	return protocol.Sure
}
