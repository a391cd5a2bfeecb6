package meitrack

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// head is the mark, a flag, the length and the IMEI.
var head = regexp.MustCompile(`^\$\$[!-~]\d{1,5},\d{10,15},`)

const longestHead = 3 + 5 + 1 + 15 + 1

// signature knows that head.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch m := protocol.Begins(first, "$$"); {
	case m != protocol.Sure:
		return m
	case len(first) < 3:
		return protocol.NeedMore
	case first[2] <= ' ' || first[2] > '~':
		return protocol.No
	}
	if _, ok := announced(first); !ok {
		return protocol.No
	}
	return protocol.BeginsLike(first, head, longestHead)
}
