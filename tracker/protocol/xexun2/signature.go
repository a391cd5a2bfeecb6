package xexun2

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows the mark.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	return protocol.Begins(first, string(mark))
}
