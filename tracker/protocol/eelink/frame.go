package eelink

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/util/converters"
)

const (
	markPackage   = 0x67 // twice: a package
	markEnvelope1 = 'E'
	markEnvelope2 = 'L'
	// packageHeader is mark, type and length; the length counts the rest.
	packageHeader = 2 + 1 + 2
	serialSize    = 2
	// envelopeHeader is mark and length; checksum and IMEI follow.
	envelopeHeader = 2 + 2
	envelopeFixed  = 2 + 8
	// maxFrame bounds packages and envelopes. The largest known are datagrams
	// of 1 KiB with three packages.
	maxFrame = 4 << 10
)

// Next cuts a package or an envelope where its length says. A length that
// cannot be meant makes its mark noise.
func (codec) Next(buf []byte) (frame []byte, n int, err error) {
	if skip := findStart(buf); skip > 0 {
		return nil, skip, nil
	}
	size, known := announced(buf)
	switch {
	case !known:
		return nil, 0, nil
	case size == 0:
		return nil, 1, nil
	case size > len(buf):
		return nil, 0, nil
	}
	return buf[:size], size, nil
}

// findStart tells where a frame may start; the first byte of a mark at the end
// of buf may be one. Of three marks in a row the last two are the start: there
// is no type 67.
func findStart(buf []byte) int {
	for i, b := range buf {
		switch {
		case b != markPackage && b != markEnvelope1:
		case i+1 == len(buf) || isEnvelope(buf[i:]):
			return i
		case isPackage(buf[i:]) && (i+2 == len(buf) || buf[i+2] != markPackage):
			return i
		}
	}
	return len(buf)
}

func isPackage(b []byte) bool {
	return len(b) >= 2 && b[0] == markPackage && b[1] == markPackage
}

func isEnvelope(b []byte) bool {
	return len(b) >= 2 && b[0] == markEnvelope1 && b[1] == markEnvelope2
}

// announced is the size of the frame that buf starts with by its length field:
// known is false if that is not there yet, size 0 if it cannot be meant.
func announced(buf []byte) (size int, known bool) {
	header, least := packageHeader, serialSize
	if isEnvelope(buf) {
		header, least = envelopeHeader, envelopeFixed
	}
	if len(buf) < header {
		return 0, false
	}
	length := int(binary.BigEndian.Uint16(buf[header-2:]))
	if length < least || header+length > maxFrame {
		return 0, true
	}
	return header + length, true
}

// appendPackage appends a package.
func appendPackage(b []byte, kind byte, serial uint16, body []byte) []byte {
	b = append(b, markPackage, markPackage, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(serialSize+len(body)))
	b = binary.BigEndian.AppendUint16(b, serial)
	return append(b, body...)
}

// appendEnvelope appends packages in an envelope for UDP.
func appendEnvelope(b []byte, imei string, packages []byte) []byte {
	start := len(b)
	b = append(b, markEnvelope1, markEnvelope2)
	b = binary.BigEndian.AppendUint16(b, uint16(envelopeFixed+len(packages)))
	b = append(b, 0, 0)
	b = converters.AppendBCD(b, imei, 8)
	b = append(b, packages...)
	binary.BigEndian.PutUint16(b[start+envelopeHeader:], checksum(b[start+envelopeHeader+2:]))
	return b
}

// checksum adds the bytes, the sum rotated left by one bit before each.
func checksum(b []byte) uint16 {
	sum := uint16(0)
	for _, c := range b {
		sum = sum<<1 | sum>>15
		sum += uint16(c)
	}
	return sum
}
