// Package meitrack speaks the protocol of Meitrack trackers (MVT, T, MT, TC
// and P series) over TCP and UDP: an envelope of text around text positions
// (AAA) and two binary forms (CCC, CCE). README.md describes it.
package meitrack

import (
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes meitrack.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "meitrack",
		Port:       5020,
		Transports: protocol.TCP | protocol.UDP,
		MaxFrame:   maxFrame,
		New:        func(t protocol.Transport) protocol.Codec { return &codec{udp: t == protocol.UDP} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one TCP connection or one datagram.
type codec struct {
	udp   bool
	volts voltages
}

// Configure takes the setting "model", the name of the device's model, on
// which the reading of voltages depends.
func (c *codec) Configure(s protocol.Settings) { c.volts = voltagesOf(s.Text("model")) }

// voltages are the factors from the numbers sent to volts.
type voltages struct{ battery, power float64 }

func voltagesOf(model string) voltages {
	switch strings.ToUpper(model) {
	case "MVT340", "MVT380":
		return voltages{3.0 * 2 / 1024, 3.0 * 16 / 1024}
	case "MT90":
		return voltages{3.3 * 2 / 4096, 1}
	case "MT90G":
		return voltages{3.0 * 2 / 4096, 1}
	case "T1", "T3", "MVT100", "MVT600", "MVT800", "TC68", "TC68S":
		return voltages{3.3 * 2 / 4096, 3.3 * 16 / 4096}
	}
	return voltages{}
}

// of returns volts: n hundredths, unless the model has a factor.
func (v voltages) of(n uint64, factor float64) float64 {
	if factor == 0 {
		return float64(n) / 100
	}
	return float64(n) * factor
}
