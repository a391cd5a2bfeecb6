package eelink

import (
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// signature knows a package by its mark and length, an envelope also by the
// zero in front of the 15 digits of the IMEI.
func signature(first []byte, tr protocol.Transport) protocol.Match {
	switch m := protocol.BeginsAny(first, "gg", "EL"); {
	case m != protocol.Sure:
		return m
	}
	size, known := announced(first)
	switch {
	case !known:
		return protocol.NeedMore
	case size == 0:
		return protocol.No
	case !isEnvelope(first):
		return protocol.Sure
	case tr == protocol.UDP && size > len(first):
		return protocol.No
	case len(first) < envelopeHeader+3:
		return protocol.NeedMore
	case first[envelopeHeader+2] > 0x09:
		return protocol.No
	}
	return protocol.Sure
}
