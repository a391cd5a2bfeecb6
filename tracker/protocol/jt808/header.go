package jt808

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// Bits of the properties.
const (
	propSplit   = 1 << 13
	propVersion = 1 << 14 // 2019 edition
	propAnswer  = 1 << 15 // of the locks: an answer is wanted
)

// header is what stands in front of the body.
type header struct {
	mark    byte
	kind    uint16
	props   uint16
	version byte // of the protocol, 2019 edition only
	// phone is the number of the terminal as sent; answers repeat it.
	phone  []byte
	serial uint16
	// part is which packet of a split message this is, 0 if it is whole.
	part uint16
	// parts is how many it has.
	parts uint16
}

func (h *header) edition2019() bool { return h.props&propVersion != 0 && !h.lock() }

// lock tells whether this is a message of the e-locks, whose header differs.
func (h *header) lock() bool { return h.kind == kindLock || h.kind == kindLockBlind }

// open reads the header and returns the body. The frame may have lost its
// marks. Its length field is not believed.
func open(frame []byte) (h header, body []byte, err error) {
	h.mark = mark
	if len(frame) > 1 && (frame[0] == mark || frame[0] == markE7) {
		h.mark = frame[0]
		frame = bytes.TrimSuffix(frame[1:], frame[:1])
	}
	r := converters.NewReader(frame)
	h.kind, h.props = r.U16(), r.U16()
	size := 6
	switch {
	case h.mark == markE7:
		size = 7
	case h.edition2019():
		h.version = r.U8()
		size = 10
	}
	h.phone = r.Bytes(size)
	if h.lock() {
		h.serial = uint16(r.U8())
	} else {
		h.serial = r.U16()
		if h.props&propSplit != 0 && r.Len() > 4 {
			h.parts, h.part = r.U16(), r.U16()
		}
	}
	if !r.OK() || r.Len() < 1 {
		return h, nil, fmt.Errorf("decode frame: %d bytes are no header and checksum: %w", len(frame), data.ErrInvalid)
	}
	return h, r.Rest()[:r.Len()-1], nil
}

// identify returns the name of the terminal: its digits; or, of six bytes that
// are not decimal, the IMEI whose first 14 digits they are as a number.
func (c *codec) identify(phone []byte) string {
	if c.identity == "" || !bytes.Equal(phone, c.phone) {
		c.phone = append(c.phone[:0], phone...)
		c.identity = identityOf(phone)
	}
	return c.identity
}

func identityOf(phone []byte) string {
	digits := converters.BCDDigits(phone)
	switch {
	case len(digits) == 2*len(phone) && len(phone) == 10:
		return strings.TrimLeft(digits, "0")
	case len(digits) == 2*len(phone):
		return digits
	case len(phone) == 6:
		number := fmt.Sprintf("%014d", uint64(binary.BigEndian.Uint16(phone))<<32|uint64(binary.BigEndian.Uint32(phone[2:])))
		if check, ok := converters.LuhnDigit(number); ok {
			return number + string(rune(check))
		}
	}
	return hex.EncodeToString(phone)
}

// appendFrame appends a message to the terminal that h is from, escaped.
func (h *header) appendFrame(b []byte, kind uint16, body []byte) []byte {
	var room [96]byte
	f := append(room[:0], h.mark)
	f = binary.BigEndian.AppendUint16(f, kind)
	props := uint16(len(body)) & 0x3FF
	if h.edition2019() {
		props |= propVersion
	}
	f = binary.BigEndian.AppendUint16(f, props)
	if h.edition2019() {
		f = append(f, h.version)
	}
	f = append(f, h.phone...)
	if kind == kindLockAnswer {
		f = append(f, 1)
	} else {
		f = append(f, 0, 0)
	}
	f = append(f, body...)
	f = append(f, checksum(f[1:]), h.mark)
	return appendEscaped(b, f)
}
