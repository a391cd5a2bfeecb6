package t55

import (
	"bytes"
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// lines begin with a sentence of NMEA, perhaps with an id in front, or say who
// is sending. $$ begins messages of others.
var lines = regexp.MustCompile(`^[\r\n\x00]*(` +
	`([0-9A-Za-z_./-]{0,40},?/?)\$(G[PNLAB][A-Z]{3}|TRCCR|PUBX|BIN\w{0,3}),` +
	`|\$(PGID|DEVID|PSIWMDID|PCPTI|GPFID|CONNECT|ID|GPIOP|GPTXT),` +
	`|\$?IMEI[ =]\d{10}|QZE,\d{10})`)

// bare is a line that is nothing but the id.
var bare = regexp.MustCompile(`^[\r\n\x00]*[0-9A-Fa-f]{8,20}\r?\n`)

const longestLine = 64

// signature knows those lines. A bare id may be another's.
func signature(first []byte, tr protocol.Transport) protocol.Match {
	switch {
	case bare.Match(first), tr == protocol.UDP && bare.Match(append(bytes.Clone(first[:min(len(first), longestLine)]), '\n')):
		return protocol.Maybe
	case len(first) > 1 && !mayBegin(first):
		return protocol.No
	}
	return protocol.BeginsLike(first, lines, longestLine)
}

// mayBegin tells whether the first characters of a line can be meant: an id and
// the dollar of a sentence behind it.
func mayBegin(b []byte) bool {
	b = bytes.TrimLeft(b, "\r\n\x00")
	for i, c := range b[:min(len(b), longestLine)] {
		switch {
		case c == '$':
			return i+1 == len(b) || b[i+1] >= 'A' && b[i+1] <= 'Z'
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', c == '/':
		case i > 0 && (c == ',' || c == '.' || c == '_' || c == '-' || c == ' ' || c == '=' || c == '\r' || c == '\n'):
		default:
			return false
		}
	}
	return true
}
