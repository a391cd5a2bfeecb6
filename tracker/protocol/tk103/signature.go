package tk103

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// head is an id with a type: two letters and two characters, behind a comma or
// not.
var head = regexp.MustCompile(`^[\r\n]*\(\d{11,15},?[A-Z]{2}[0-9A-Z]{2}`)

const longestHead = 24

// signature knows that head.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	m := protocol.BeginsLike(first, head, longestHead)
	if m == protocol.NeedMore && len(first) > 0 && first[0] != '(' {
		return protocol.No
	}
	return m
}
