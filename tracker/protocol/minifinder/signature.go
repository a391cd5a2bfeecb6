package minifinder

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

var head = regexp.MustCompile(`^\x00?![0-9A-Z],`)

const longestHead = 4

// signature knows an exclamation mark, a type of one character and a comma.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	if len(first) > 0 && first[0] != start && first[0] != 0 || len(first) > 1 && first[0] == 0 && first[1] != start {
		return protocol.No
	}
	if len(first) == 1 {
		return protocol.NeedMore
	}
	return protocol.BeginsLike(first, head, longestHead)
}
