package gt06

import (
	"bytes"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows the long mark, and a frame with the short one, which topin
// uses too, by the checksum. What ends where its length says may be one.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch m := protocol.BeginsAny(first, "\x78\x78", "\x79\x79"); {
	case m != protocol.Sure || first[0] == markLong:
		return m
	case len(first) < minFrame:
		return protocol.NeedMore
	case looksLikeScan(first):
		return protocol.Sure
	}
	size := announced(first)
	if size < minFrame+tailSize {
		return protocol.No // no room for a serial number and a checksum
	}
	for end := nextStop(first, minFrame); end > 0; end = nextStop(first, end+1) {
		if checks(first[:end]) {
			return protocol.Sure
		}
	}
	switch {
	case len(first) >= size && bytes.HasSuffix(first[:size], stop):
		return protocol.Maybe
	case len(first) >= size && bytes.HasSuffix(first, stop) && bytes.IndexByte(unchecked, first[3]) < 0:
		return protocol.Maybe // the length lies, as it often does
	case len(first) < maxFrame:
		return protocol.NeedMore
	}
	return protocol.No
}

// looksLikeScan knows a scan of access points without serial number and checksum:
// their number, the type, the time in BCD, seven bytes for each of them. Devices
// of topin send it too, fewer of them; either protocol reads it alike.
func looksLikeScan(b []byte) bool {
	const access, begin = 7, 2 + 1 + 1 + 6
	if kind := b[3]; kind != 0x17 && kind != 0x69 || len(b) < begin+access*int(b[2])+len(stop) || !bytes.HasSuffix(b, stop) {
		return false
	}
	for i, most := range [...]byte{0x99, 0x12, 0x31, 0x23, 0x59, 0x59} {
		if v := b[4+i]; v > most || v&0x0F > 9 {
			return false
		}
	}
	return true
}

// unchecked are the types of scans that have another layout without a checksum.
var unchecked = []byte{0x17, 0x18, 0x19, 0x1A, 0x69}
