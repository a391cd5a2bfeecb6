package gps103

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// heads begin a message: the login, a report, or a heartbeat, which is an IMEI
// and a semicolon; some clones repeat the IMEI in front of a report.
var heads = regexp.MustCompile(`^\s*(##,imei:|(\d{10,15})?imei:\d|\d{15};)`)

const longestHead = 40

// signature knows those heads.
func signature(first []byte, tr protocol.Transport) protocol.Match {
	m := protocol.BeginsLike(first, heads, longestHead)
	if m == protocol.NeedMore && !mayBegin(first) {
		return protocol.No
	}
	if m == protocol.NeedMore && tr == protocol.UDP && isIMEI(first) {
		return protocol.Maybe
	}
	return m
}

// mayBegin tells whether a head can go on from b.
func mayBegin(b []byte) bool {
	if len(b) == 0 || protocol.BeginsAny(b, "##,imei:", "imei:") != protocol.No {
		return true
	}
	digits := 0
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		digits++
	}
	return digits > 0 && digits <= 15 && (digits == len(b) || protocol.Begins(b[digits:], "imei:") != protocol.No)
}

func isIMEI(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) == 15
}
