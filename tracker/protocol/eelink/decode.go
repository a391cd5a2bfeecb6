package eelink

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The package types.
const (
	kindLogin     = 0x01
	kindOldGPS    = 0x02
	kindHeartbeat = 0x03
	kindOldAlarm  = 0x04
	kindOldEvent  = 0x05
	kindOldReport = 0x06
	kindOBD       = 0x07
	kindNormal    = 0x12
	kindWarning   = 0x14
	kindReport    = 0x15
	kindCommand   = 0x16
	kindOBDFirst  = 0x17
	kindOBDLast   = 0x19
	kindMessage   = 0x80 // a command, or the answer to one
	kindBroadcast = 0x81
)

const (
	imeiSize = 8
	// maxReply bounds the answer to an envelope full of packages.
	maxReply = 1000
)

// report is everything a usual package points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [16]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
	signals    [1]int
	reply      [16]byte
}

// message is one package while it is read.
type message struct {
	kind   byte
	serial uint16
	body   converters.Reader
	out    *report
	at     *data.Position // out.positions[0]
}

// Decode reads a package, or an envelope with some.
func (codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	switch {
	case isPackage(frame) && len(frame) >= packageHeader+serialSize:
		return decodePackage(frame, now)
	case isEnvelope(frame) && len(frame) >= envelopeHeader+envelopeFixed:
		return decodeEnvelope(frame, now)
	}
	return data.Packet{}, fmt.Errorf("decode frame of %d bytes: want 6767 or EL and a header: %w", len(frame), data.ErrInvalid)
}

// decodeEnvelope reads the packages of a datagram. One that cannot be read
// costs the others nothing, unless there are no others.
func decodeEnvelope(frame []byte, now time.Time) (data.Packet, error) {
	imei, err := readIMEI(frame[envelopeHeader+2:])
	if err != nil {
		return data.Packet{}, fmt.Errorf("decode envelope: %w", err)
	}
	packet := data.Packet{Identity: imei}
	var answers []byte
	var failed error
	read := 0
	for rest := frame[envelopeHeader+envelopeFixed:]; len(rest) >= packageHeader+serialSize && isPackage(rest); {
		size, _ := announced(rest)
		if size == 0 || size > len(rest) {
			size = len(rest)
		}
		one, err := decodePackage(rest[:size], now)
		rest = rest[size:]
		if err != nil {
			failed = err
			continue
		}
		read++
		packet.Positions = append(packet.Positions, one.Positions...)
		if len(answers)+len(one.Reply) <= maxReply {
			answers = append(answers, one.Reply...)
		}
	}
	if read == 0 && failed != nil {
		return data.Packet{}, failed
	}
	if len(answers) > 0 {
		packet.Reply = appendEnvelope(nil, imei, answers)
	}
	return packet, nil
}

func decodePackage(frame []byte, now time.Time) (data.Packet, error) {
	m := message{kind: frame[2], serial: binary.BigEndian.Uint16(frame[packageHeader:])}
	body := frame[packageHeader+serialSize:]
	if m.kind == kindLogin {
		return m.login(body, now)
	}
	m.body = converters.NewReader(body)
	m.out = &report{}
	m.at = &m.out.positions[0]
	m.at.Protocol = "eelink"
	m.at.Attributes = m.out.attributes[:0]
	m.at.Outdated = true
	m.at.Attributes.SetInt("index", int64(m.serial))
	var found bool
	switch m.kind {
	case kindHeartbeat:
		found = m.heartbeat()
	case kindOldGPS, kindOldAlarm, kindOldEvent, kindOldReport:
		found = m.oldPosition()
	case kindOBD:
		found = m.obd()
	case kindNormal, kindWarning, kindReport, kindCommand, kindOBDFirst, kindOBDFirst + 1, kindOBDLast:
		found = m.newPosition()
	case kindMessage:
		found = m.answer()
	default: // pictures and what is new: answered, not read
		return data.Packet{Reply: m.reply()}, nil
	}
	if !found {
		return data.Packet{}, fmt.Errorf("decode package 0x%02x: %d bytes are too short: %w", m.kind, len(frame), data.ErrInvalid)
	}
	return data.Packet{Positions: m.out.positions[:], Reply: m.reply()}, nil
}

// reply is the empty package that answers most types.
func (m *message) reply() []byte {
	if m.kind == kindOldGPS || m.kind == kindBroadcast {
		return nil
	}
	return appendPackage(m.out.reply[:0], m.kind, m.serial, nil)
}

// login reads the IMEI; the answer sets the device's clock.
func (m *message) login(body []byte, now time.Time) (data.Packet, error) {
	imei, err := readIMEI(body)
	if err != nil {
		return data.Packet{}, fmt.Errorf("decode login: %w", err)
	}
	answer := binary.BigEndian.AppendUint32(make([]byte, 0, 7), uint32(now.Unix()))
	answer = append(answer, 0, 1, 0) // version, action: none
	return data.Packet{Identity: imei, Reply: appendPackage(nil, kindLogin, m.serial, answer)}, nil
}

// readIMEI reads eight binary coded decimals, the first half byte is filler.
func readIMEI(b []byte) (string, error) {
	if len(b) < imeiSize {
		return "", fmt.Errorf("no IMEI in %d bytes: %w", len(b), data.ErrInvalid)
	}
	for i, c := range b[:imeiSize] {
		if _, ok := converters.FromBCD(c); !ok && (i > 0 || c&15 > 9) {
			return "", fmt.Errorf("IMEI %x is not decimal: %w", b[:imeiSize], data.ErrInvalid)
		}
	}
	digits := converters.BCDDigits(b[:imeiSize])
	return digits[len(digits)-15:], nil
}

// unix reads seconds since 1970.
func (m *message) unix() time.Time {
	return protocol.UnixMilli(int64(m.body.U32()) * 1000)
}

// fraction sets an attribute from an unsigned number of size bytes.
func (m *message) fraction(name string, size int, divisor float64) {
	if m.body.Len() >= size {
		m.at.Attributes.SetFloat(name, float64(m.body.Uint(size))/divisor)
	}
}

// integer sets an attribute from an unsigned number of size bytes.
func (m *message) integer(name string, size int) {
	if m.body.Len() >= size {
		m.at.Attributes.SetInt(name, int64(m.body.Uint(size)))
	}
}
