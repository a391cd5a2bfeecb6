package protocol

import (
	"bytes"
	"regexp"
)

// Match says how well the first bytes of a peer fit a protocol.
type Match uint8

// The matches, from worst to best.
const (
	// No says that no device of the protocol begins like this.
	No Match = iota
	// NeedMore says that what came is too short to tell, and fits so far.
	NeedMore
	// Maybe says that the bytes look like the protocol, and that others may look
	// the same.
	Maybe
	// Sure says that no other protocol begins like this: by its marks, or
	// because a checksum is right.
	Sure
)

// Begins compares the front of b with a mark: Sure if it is there, NeedMore if
// it still can be, No otherwise.
func Begins(b []byte, mark string) Match {
	n := min(len(b), len(mark))
	switch {
	case string(b[:n]) != mark[:n]:
		return No
	case n < len(mark):
		return NeedMore
	}
	return Sure
}

// BeginsAny is the best of Begins for several marks.
func BeginsAny(b []byte, marks ...string) (best Match) {
	for _, mark := range marks {
		best = max(best, Begins(b, mark))
	}
	return best
}

// BeginsLike compares the front of b with a pattern that begins with ^ and
// needs at most size bytes: Sure if it fits, No if it does not although size
// bytes or the end of a line have come, NeedMore before.
func BeginsLike(b []byte, pattern *regexp.Regexp, size int) Match {
	window := b[:min(len(b), size)]
	if pattern.Match(window) {
		return Sure
	}
	if len(b) >= size || !printable(bytes.TrimSuffix(window, []byte("\r"))) {
		return No
	}
	return NeedMore
}

// printable tells whether b is text without an end of line.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
