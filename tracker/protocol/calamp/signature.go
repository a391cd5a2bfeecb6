package calamp

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// lastKind is the highest message type.
const lastKind = 11

// signature walks over the options and looks at the header behind them. A
// datagram without options names no device, and may be anybody's.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	at := 0
	if len(first) > 0 && first[0]&hasOptions != 0 {
		at = 1
		for bit := range options {
			if first[0]&(1<<bit) != 0 && at < len(first) {
				at += 1 + int(first[at])
			}
		}
	}
	if len(first) < at+4 || first[at] > serviceResponse || first[at+1] > lastKind {
		return protocol.No
	}
	if first[0]&(hasOptions|1<<optionID) == hasOptions|1<<optionID && first[1] > 0 && first[1] <= 10 {
		return protocol.Sure
	}
	return protocol.Maybe
}
