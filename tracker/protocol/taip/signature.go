package taip

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

var head = regexp.MustCompile(`^[\r\n]*>[A-Z]{3}`)

const longestHead = 8

// signature knows the mark with the three letters of a message.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	m := protocol.BeginsLike(first, head, longestHead)
	if m == protocol.NeedMore && len(first) > 0 && first[0] != start {
		return protocol.No
	}
	return m
}
