package wialon

import (
	"regexp"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// heads are the types of messages between two #, perhaps with an id in front.
var heads = regexp.MustCompile(`^\s*[0-9A-Za-z_.;-]{0,36}#(L|D|SD|P|B|M|I|IT|US|UC|T|QT)#`)

// begun is as much of a head as has come.
var begun = regexp.MustCompile(`^\s*([0-9A-Za-z][0-9A-Za-z_.;-]{0,35})?(#[A-Z]{0,2}#?)?$`)

const longestHead = 48

// signature knows those heads.
func signature(first []byte, _ protocol.Transport) protocol.Match {
	m := protocol.BeginsLike(first, heads, longestHead)
	if m == protocol.NeedMore && !begun.Match(first) {
		return protocol.No
	}
	return m
}
