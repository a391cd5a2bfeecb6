package jt808

import (
	"bytes"
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// lockText is the text of an electronic lock.
var lockText = regexp.MustCompile(`^\(\d{6,15},\d,\d{3},[A-Z]+,`)

// longestText is how far lockText looks.
const longestText = 48

// signature knows a frame by its checksum. Between 7E marks one with a wrong
// one may be meant.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch {
	case len(first) == 0:
		return protocol.NeedMore
	case first[0] == '(':
		return protocol.BeginsLike(first, lockText, longestText)
	case first[0] != mark && first[0] != markE7:
		return protocol.No
	}
	i := bytes.IndexByte(first[1:], first[0])
	switch {
	case i < 0 && len(first) < maxFrame:
		return protocol.NeedMore
	case i+2 < minFrame:
		return protocol.No
	}
	c := codec{}
	frame := c.unescape(first[:i+2])
	switch {
	case sound(frame):
		return protocol.Sure
	case first[0] == mark && len(frame) >= minFrame && lengthFits(frame):
		return protocol.Maybe
	}
	return protocol.No
}
