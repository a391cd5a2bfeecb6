package cellocator

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows the mark and the types.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	switch {
	case !isStart(first):
		return protocol.No
	case len(first) <= markSize:
		return protocol.NeedMore
	}
	if size, known := measure(first); known && (size == 0 || size > maxFrame) {
		return protocol.No
	}
	return protocol.Sure
}
