package gt06

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The message types that this package also writes.
const (
	kindLogin   = 0x01
	kindStatus  = 0x13
	kindText    = 0x15
	kindReport  = 0x22
	kindAlarm   = 0x26
	kindCommand = 0x80
	kindTime    = 0x8A
	kindAddress = 0x97
)

type answer uint8

const (
	answerNone answer = iota
	answerShort
	answerLong
	answerGiven // the handler wrote it itself
)

// report is everything a usual packet points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [12]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
	reply      [10]byte
}

// message is one frame while it is read.
type message struct {
	kind byte
	long bool
	// length is what the frame announces, which tells variants apart.
	length int
	layout layout
	model  model
	ahead  time.Duration
	now    time.Time
	serial uint16
	// sound tells of a scan that it has a checksum, which scans do not have.
	sound bool
	// body is the content; tail goes on to the stop, for the few types that
	// carry no serial number and no checksum.
	body converters.Reader
	tail []byte

	out    *report
	at     *data.Position // out.positions[0]
	placed bool           // a place was read
	answer answer
	reply  []byte
}

// Decode reads one frame.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	m := message{model: c.model, ahead: c.ahead, now: now}
	if err := m.open(frame); err != nil {
		return data.Packet{}, err
	}
	if m.kind == kindLogin && !m.long {
		return c.login(&m)
	}
	m.out = &report{}
	m.at = &m.out.positions[0]
	m.at.Protocol = "gt06"
	m.at.Attributes = append(m.out.attributes[:0], data.Attribute{Key: "type", Value: data.Int(int64(m.kind))})
	if !m.long {
		m.answer = answerShort
	}
	found := m.read()
	if !found && !m.body.OK() {
		return data.Packet{}, fmt.Errorf("decode message 0x%02x: %d bytes are too short: %w", m.kind, len(frame), data.ErrInvalid)
	}
	packet := data.Packet{Reply: m.answered()}
	if found {
		if !m.placed {
			m.at.Outdated, m.at.Valid, m.at.FixTime = true, false, time.Time{}
		}
		packet.Positions = m.out.positions[:]
	}
	return packet, nil
}

// open finds type, content and serial number.
func (m *message) open(frame []byte) error {
	if len(frame) < minFrame || !startsAt(frame, 0) {
		return fmt.Errorf("decode frame: want 7878 or 7979 and at least %d bytes: %w", minFrame, data.ErrInvalid)
	}
	if size := announced(frame); size < len(frame) && size >= minFrame+tailSize &&
		frame[size-2] == stop[0] && frame[size-1] == stop[1] {
		frame = frame[:size] // several frames in one piece
	}
	header := 3
	m.length = int(frame[2])
	if m.long = frame[0] == markLong; m.long {
		header = 4
		m.length = int(binary.BigEndian.Uint16(frame[2:]))
	}
	m.kind = frame[header]
	m.layout = m.findLayout()
	m.sound = m.kind == 0x17 && checks(frame)
	rest := frame[header+1:]
	if n := len(rest); n >= 2 && rest[n-2] == stop[0] && rest[n-1] == stop[1] {
		rest = rest[:n-2]
	}
	m.tail = rest
	content := rest[:0]
	if len(rest) >= tailSize {
		content = rest[:len(rest)-tailSize]
		m.serial = binary.BigEndian.Uint16(rest[len(content):])
	}
	// Some old devices end a position with no serial number and no checksum.
	if m.layout.gps && len(content) < gpsSize && len(rest) >= gpsSize {
		content = rest
	}
	m.body = converters.NewReader(content)
	return nil
}

// login reads the IMEI, the type of the device and the zone of its clock: the
// offset as hours times 100 plus minutes in the upper 12 bits, bit 3 set for
// west of Greenwich.
func (c *codec) login(m *message) (data.Packet, error) {
	id := m.body.Bytes(8)
	if id == nil {
		return data.Packet{}, fmt.Errorf("decode login: no IMEI: %w", data.ErrInvalid)
	}
	for _, b := range id {
		if _, ok := converters.FromBCD(b); !ok {
			return data.Packet{}, fmt.Errorf("decode login: IMEI %x is not decimal: %w", id, data.ErrInvalid)
		}
	}
	m.body.Skip(2)
	c.ahead = 0
	if zone := m.body.U16(); m.body.OK() {
		ahead := time.Duration(zone>>4/100)*time.Hour + time.Duration(zone>>4%100)*time.Minute
		if zone&8 != 0 {
			ahead = -ahead
		}
		if ahead.Abs() <= 14*time.Hour {
			c.ahead = ahead
		}
	}
	return data.Packet{
		Identity: converters.BCDDigits(id)[1:],
		Reply:    appendFrame(nil, false, kindLogin, nil, m.serial),
	}, nil
}

// answered writes the answer that the handler asked for.
func (m *message) answered() []byte {
	switch m.answer {
	case answerShort:
		return appendFrame(m.out.reply[:0], false, m.kind, nil, m.serial)
	case answerLong:
		return appendFrame(nil, true, m.kind, nil, m.serial)
	case answerGiven:
		return m.reply
	}
	return nil
}

// give sets an answer of its own.
func (m *message) give(reply []byte) {
	m.answer, m.reply = answerGiven, reply
}

// read reads a message and tells whether it is a report.
func (m *message) read() bool {
	if !m.layout.empty() {
		m.answer = answerShort
		return m.built(&m.layout)
	}
	switch m.kind { // types that mean the same in short and long frames
	case 0x21:
		return m.encodedText()
	case 0x41: // a piece of a picture
		m.answer = answerLong
		return false
	case 0x70:
		m.answer = answerShort
		return m.modular()
	case 0x8C:
		return m.obd()
	case 0x95:
		return m.camera()
	case 0x9B:
		return m.serialPort()
	case 0xF1, 0xF2:
		m.answer = answerShort
		return m.states()
	}
	if m.long {
		return m.readLong()
	}
	return m.readShort()
}

func (m *message) readLong() bool {
	switch m.kind {
	case 0x32, 0x33:
		m.answer = answerLong
		return m.az735()
	case 0x94:
		return m.info()
	case 0x18, 0x23, 0x24, 0x28, 0x2C, 0x2E, 0xA1, 0xA2, 0xF3: // scans that are too long for a short frame
		m.answer = answerShort
		return m.readShort()
	}
	return false
}

func (m *message) readShort() bool {
	switch m.kind {
	case kindText:
		return m.text()
	case 0x17, 0x69:
		if m.sound {
			return m.cellQuery()
		}
		return m.scan()
	case 0xF3:
		return m.scanCounted()
	case 0x18, 0x2C:
		return m.cells(cell2G, true)
	case 0x28, 0x2E:
		return m.cells(cell2G, false)
	case 0xA1:
		return m.cells(cell4G, false)
	case 0xA2:
		return m.cells(cell4G, true)
	case 0x24:
		if m.length == 0x31 {
			return m.cellsS20()
		}
		return m.cells(cell2G, false)
	case 0x23:
		return m.heartbeat()
	case 0x34:
		return m.length == 0x3C && m.x1()
	case 0x36, 0x39:
		return m.statusAndModules()
	case 0x94:
		return m.number("power", 2, 100)
	case 0x2A:
		m.giveAddress()
	case kindTime:
		m.giveTime()
	case kindCommand, 0x81, 0x82:
		m.answer = answerNone
	}
	return false
}

// giveAddress answers a request for the street address: there is none.
func (m *message) giveAddress() {
	const text = "NA&&NA&&0##"
	content := append([]byte{byte(len(text)), 0, 0, 0, 0}, text...)
	m.give(appendFrame(nil, true, kindAddress, content, m.serial))
}

// giveTime answers a request for the time, in UTC.
func (m *message) giveTime() {
	t := m.now.UTC()
	m.give(appendFrame(nil, false, kindTime, []byte{
		byte(t.Year() - 2000), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()),
	}, m.serial))
}
