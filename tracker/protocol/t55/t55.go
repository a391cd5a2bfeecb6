// Package t55 speaks plain NMEA 0183 as T55 and TR-CR trackers, routers, modems
// and loggers send it: sentences in lines over TCP and UDP, and a line that
// says who is sending. README.md describes it.
package t55

import (
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes t55.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "t55",
		Port:       5005,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
	}
}

// codec is one connection or datagram.
type codec struct {
	udp bool
	// id is what the device has said it is, "" until then.
	id string
	// acknowledge says that each RMC sentence over TCP is answered.
	acknowledge bool
	// last is the time of the last RMC sentence; GGA and GLL have no date.
	last time.Time
	// waiting is the last position of a device that has not said who it is.
	waiting *data.Position
}

// Configure takes the setting "acknowledge".
func (c *codec) Configure(s protocol.Settings) { c.acknowledge = s.Bool("acknowledge") }
