package suntech

import (
	"encoding/binary"
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// heads are a family with its type, or a type alone, and the id.
var heads = regexp.MustCompile(`^(S[AT]\d{3}[A-Z]{0,3}|[A-Z]{3});[0-9A-Za-z]+[;\r]`)

const longestHead = 40

// signature knows those heads, and binary messages by a length that goes to the
// end of what came.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	if len(first) == 0 {
		return protocol.NeedMore
	}
	extra := 0
	switch {
	case first[0] == zipMark:
		extra = 4
	case first[0] >= 0x80:
		extra = 3
	case first[0] >= 'A' && first[0] <= 'Z':
		return protocol.BeginsLike(first, heads, longestHead)
	default:
		return protocol.No
	}
	switch {
	case len(first) < 3:
		return protocol.NeedMore
	case extra == 3 && first[1] != 0:
		return protocol.No
	}
	switch size := int(binary.BigEndian.Uint16(first[1:])) + extra; {
	case size > maxFrame || size < 16:
		return protocol.No
	case len(first) < size:
		return protocol.NeedMore
	case len(first) == size || first[size] == first[0]:
		return protocol.Maybe
	}
	return protocol.No
}
