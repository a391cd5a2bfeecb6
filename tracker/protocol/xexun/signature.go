package xexun

import (
	"bytes"
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// heads begin a message: the sentence without its dollar, behind the serial
// number and the phone number of a full one.
var heads = regexp.MustCompile(`^\s*(\d{6,14},[^,$]{0,24},|[^,$*#(!<>\[\]]{0,20},[^,$]{0,24},|\d{0,14},)?G[PN]RMC,`)

const longestHead = 64

// signature knows those heads, and the rest of one by the IMEI in it that does
// not begin it.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	m := protocol.BeginsLike(first, heads, longestHead)
	if m != protocol.No {
		if m == protocol.NeedMore && !mayBegin(first) {
			return protocol.No
		}
		return m
	}
	imei := bytes.Index(first, markIMEI)
	if imei > 15 && (first[imei-1] == ',' || first[imei-1] == ' ') {
		return protocol.Maybe
	}
	return protocol.No
}

// mayBegin tells whether a message can go on from b.
func mayBegin(b []byte) bool {
	return len(b) == 0 || b[0] >= '0' && b[0] <= '9' || b[0] == ',' || protocol.BeginsAny(b, "GPRMC,", "GNRMC,") != protocol.No
}
