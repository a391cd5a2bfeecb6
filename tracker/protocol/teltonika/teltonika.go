// Package teltonika speaks the protocol of Teltonika trackers (FM, FMB, FMC,
// TAT, GH and others): packets of AVL records over TCP and UDP, big endian,
// answered with the number of records taken. README.md describes it.
package teltonika

import (
	"regexp"
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes teltonika.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "teltonika",
		Port:       5027,
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
	udp bool
	// extended says that a group of 16 byte elements follows, see Configure.
	extended bool
	model    model
	photo    photo
}

// model holds what the name of the model changes.
type model struct {
	fmb    bool // elements are numbered as in the FMB family
	fm6    bool // the professional family, FM?6??
	fmb003 bool
}

var (
	fmbNames = regexp.MustCompile(`^(FM[B-Z]...|MTB100|MSP500)$`)
	fm6Names = regexp.MustCompile(`^FM.6..$`)
)

// Configure takes the settings "model", the name of the device's model, and
// "extended", for old firmware that sends a fifth group of elements.
func (c *codec) Configure(s protocol.Settings) {
	name := strings.ToUpper(strings.TrimSpace(s.Text("model")))
	c.extended = s.Bool("extended")
	c.model = model{
		fmb:    fmbNames.MatchString(name),
		fm6:    fm6Names.MatchString(name),
		fmb003: name == "FMB003",
	}
}
