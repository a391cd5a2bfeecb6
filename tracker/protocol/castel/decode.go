package castel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// report is everything a usual message points to, so that it costs one
// allocation beside its answer and its id.
type report struct {
	positions  [1]data.Position
	attributes [8]data.Attribute
}

// message is one frame while it is read.
type message struct {
	header
	kind uint16
	body converters.Reader
	now  time.Time

	// base holds what every position of the message has in common.
	base  data.Position
	out   *report
	fixes []data.Position
	// stated says that the message may speak without a place.
	stated bool
	reply  []byte
}

// Decode reads one frame.
func (codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	m := message{now: now}
	if err := m.open(frame); err != nil {
		return data.Packet{}, err
	}
	packet := data.Packet{Identity: protocol.Text(bytes.TrimRight(m.id[:], "\x00"))}
	if packet.Identity == "" {
		return data.Packet{}, fmt.Errorf("decode message 0x%04x: %w", m.kind, protocol.ErrNoIdentity)
	}
	m.out = &report{}
	m.base.Protocol = "castel"
	m.base.Outdated = true
	m.base.Attributes = m.out.attributes[:0]
	var err error
	switch {
	case m.plain:
		err = m.mpip()
	case m.version == 3 || m.version == 4:
		err = m.obd()
	default:
		err = m.tracker()
	}
	if err != nil {
		return data.Packet{}, fmt.Errorf("decode message 0x%04x of %d bytes: %w", m.kind, len(frame), err)
	}
	packet.Reply = m.reply
	switch {
	case len(m.fixes) > 0:
		packet.Positions = m.fixes
	case m.stated:
		m.out.positions[0] = m.base
		packet.Positions = m.out.positions[:]
	}
	return packet, nil
}

// open finds version, id, type and content.
func (m *message) open(frame []byte) error {
	if len(frame) < minFrame || !startsAt(frame, 0) {
		return fmt.Errorf("decode frame of %d bytes: want @@ or $$ and at least %d bytes: %w", len(frame), minFrame, data.ErrInvalid)
	}
	frame = bytes.TrimSuffix(frame, stop)
	r := converters.NewReader(frame[:len(frame)-2]) // the checksum
	m.plain = frame[0] == markPlain
	r.Skip(2 + 2)
	if !m.plain {
		m.version = r.U8()
	}
	copy(m.id[:], r.Bytes(idSize))
	m.kind = r.U16()
	if !r.OK() {
		return fmt.Errorf("decode frame of %d bytes: no type: %w", len(frame), data.ErrInvalid)
	}
	m.body = r
	return nil
}

func unix(r *converters.Reader) time.Time { return protocol.UnixMilli(int64(r.U32LE()) * 1000) }

const itemSize = 19

// item reads the 19 bytes of a fix into p.
func item(r *converters.Reader, p *data.Position) {
	day, month, year := int(r.U8()), int(r.U8()), int(r.U8())
	hour, minute, second := int(r.U8()), int(r.U8()), int(r.U8())
	latitude, longitude := float64(r.U32LE())/3600000, float64(r.U32LE())/3600000
	p.SpeedKnots = converters.KnotsFromMps(float64(r.U16LE()) / 100)
	p.CourseDeg = protocol.Course(float64(r.U16LE()) / 10)
	flags := r.U8()
	if flags&(1<<0) == 0 {
		longitude = -longitude
	}
	if flags&(1<<1) == 0 {
		latitude = -latitude
	}
	p.Valid = flags&(3<<2) != 0
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = protocol.Date(2000+year, month, day, hour, minute, second)
		p.DeviceTime = p.FixTime
	}
	p.Attributes.SetInt("sat", int64(flags>>4))
}

// items reads count fixes.
func (m *message) items(count int) error {
	if m.body.Len() < count*itemSize {
		return fmt.Errorf("%d fixes in %d bytes: %w", count, m.body.Len(), data.ErrInvalid)
	}
	m.fixes = m.out.positions[:0]
	if count > 1 {
		m.fixes = make([]data.Position, 0, count)
	}
	for range count {
		m.addFix()
	}
	return nil
}

// addFix reads a fix. What the message says in common goes into each position;
// the last one may go on to use the room of it.
func (m *message) addFix() *data.Position {
	m.fixes = append(m.fixes, m.base)
	p := &m.fixes[len(m.fixes)-1]
	if len(m.fixes) > 1 || cap(m.fixes) > 1 {
		p.Attributes = append(make(data.Attributes, 0, len(m.base.Attributes)+4), m.base.Attributes...)
	}
	item(&m.body, p)
	return p
}

// oneItem reads a single fix.
func (m *message) oneItem() error { return m.items(1) }

// last is the report that what follows the fixes belongs to.
func (m *message) last() *data.Position {
	if len(m.fixes) > 0 {
		return &m.fixes[len(m.fixes)-1]
	}
	return &m.base
}

func (m *message) answer(kind uint16, content []byte) {
	m.reply = m.appendFrame(nil, kind, content)
}

// answerLogin answers with the time.
func (m *message) answerLogin() {
	content := append(make([]byte, 0, 10), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0)
	m.answer(0x9001, binary.LittleEndian.AppendUint32(content, uint32(m.now.Unix())))
}
