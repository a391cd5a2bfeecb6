package h02

import (
	"bytes"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows sentences by their maker, and binary frames by the date and
// the time behind the id.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	first = bytes.TrimLeft(first, "\r\n ")
	switch {
	case len(first) == 0:
		return protocol.NeedMore
	case first[0] == '*' && len(first) > 4:
		if sentenceStarts(first) {
			return protocol.Sure
		}
		return protocol.No
	case first[0] == '*':
		for _, c := range first[1:min(len(first), 3)] {
			if !letter(c) {
				return protocol.No
			}
		}
		return protocol.NeedMore
	case first[0] != '$' && first[0] != 'X':
		return protocol.No
	}
	const short, long = 1 + 5, 1 + 8 // where the time follows the id
	switch {
	case !starts(first):
		return protocol.No
	case len(first) < shortSize:
		return protocol.NeedMore
	case !dated(first[short:]) && (first[0] != '$' || !dated(first[long:])):
		return protocol.No
	case first[1] == '$': // two of them are the mark of others
		return protocol.Maybe
	}
	return protocol.Sure
}
