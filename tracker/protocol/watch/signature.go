package watch

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// heads are the bracket, the maker and the id, and the length or index behind it.
var heads = regexp.MustCompile(`^\[[A-Z0-9]{2}\*\d{5,17}\*[0-9A-Fa-f]{4}\*`)

const longestHead = 1 + 2 + 1 + 17 + 1 + 4 + 1

// signature knows that head.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	if m := protocol.Begins(first, "["); m != protocol.Sure {
		return m
	}
	return protocol.BeginsLike(first, heads, longestHead)
}
