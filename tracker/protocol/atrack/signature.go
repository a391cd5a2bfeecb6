package atrack

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// textHead is the head of a text message; its prefix may be any two bytes.
var textHead = regexp.MustCompile(`^(?s:..),[0-9A-Fa-f]{1,8},\d{1,5},\d{1,8},`)

// signature knows the marks, and the head of a text behind an unusual prefix.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	if m := protocol.BeginsAny(first, "$INFO=", "\xFE\x02"); m != protocol.No {
		return m
	}
	if m := protocol.Begins(first, "$OK"); m != protocol.No {
		return min(m, protocol.Maybe)
	}
	usual := protocol.BeginsAny(first, "@P", "@R")
	switch {
	case usual == protocol.NeedMore:
		return usual
	case usual == protocol.Sure && len(first) < binaryHeader:
		return protocol.NeedMore
	case usual == protocol.Sure:
		if size, known := measurePacket(first); known && size == 0 {
			return protocol.No
		}
		return protocol.Sure
	case textHead.Match(first[:min(len(first), maxTextHeader+9)]):
		return protocol.Maybe
	case len(first) < 3,
		len(first) < maxTextHeader && first[2] == ',' && (len(first) == 3 || hexDigit(first[3])):
		return protocol.NeedMore
	}
	return protocol.No
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
