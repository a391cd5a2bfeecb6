package totem

import (
	"bytes"
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// heads are the mark and the length with the id behind it, which a bar ends, or
// the type and the id of the fourth form.
var heads = regexp.MustCompile(`^\$\$(0\d{3}[0-9A-F]{2}\d{10,15}\||[0-9A-F]{2}\d{4,17}\|)`)

const longestHead = 32

// signature knows those heads.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	first = bytes.TrimLeft(first, "\r\n")
	if m := protocol.Begins(first, string(mark)); m != protocol.Sure {
		return m
	}
	if m := protocol.BeginsLike(first, heads, longestHead); m != protocol.NeedMore {
		return m
	}
	if rest := first[len(mark):]; len(rest) > 0 && !fields.AllHexDigits(rest) {
		return protocol.No
	}
	return protocol.NeedMore
}
