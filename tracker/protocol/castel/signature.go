package castel

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows the marks; behind $$, which others use too, the high byte of
// the length is no text.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch m := protocol.BeginsAny(first, "@@", "$$"); {
	case m != protocol.Sure:
		return m
	case len(first) < 4:
		return protocol.NeedMore
	}
	if size := announced(first); size < minFrame || size > maxFrame {
		return protocol.No
	}
	return protocol.Sure
}
