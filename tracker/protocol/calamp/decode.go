package calamp

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The message types.
const (
	messageACK    = 1
	messageEvent  = 2
	messageUser   = 4
	messageLocate = 8
	messageMini   = 10
)

// The service types.
const (
	serviceAcknowledged = 1
	serviceResponse     = 2
)

const (
	hasOptions = 1 << 7
	optionID   = 0
	options    = 7
)

const (
	unknownSpeed = 0xFFFFFFFF
	unknownHDOP  = 0xFF
)

// report is everything a usual message points to, so that it costs one
// allocation beside its id.
type report struct {
	positions  [1]data.Position
	attributes [16]data.Attribute
	reply      [10]byte
}

// message is one datagram while it is read.
type message struct {
	kind byte
	body converters.Reader
	at   *data.Position
}

// Decode reads a message. One without options does not say of which device: it
// is the last one of its address.
func (codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	r := converters.NewReader(frame)
	var packet data.Packet
	if len(frame) > 0 && frame[0]&hasOptions != 0 {
		packet.Identity = readOptions(&r)
	}
	service, kind, sequence := r.U8(), r.U8(), r.U16()
	if !r.OK() {
		return data.Packet{}, fmt.Errorf("decode datagram of %d bytes: no message header: %w", len(frame), data.ErrInvalid)
	}
	if service > serviceResponse {
		return data.Packet{}, fmt.Errorf("decode datagram: service type %d is not known: %w", service, data.ErrInvalid)
	}
	out := &report{}
	m := message{kind: kind, body: r, at: &out.positions[0]}
	m.at.Protocol = "calamp"
	m.at.Outdated = true
	m.at.Attributes = out.attributes[:0]
	m.at.Attributes.SetInt("index", int64(sequence))
	found := true
	switch kind {
	case messageEvent, messageLocate, messageUser:
		found = m.event()
	case messageMini:
		found = m.mini()
	default: // nothing to store: ids, acknowledgements, parameters
		m.at = nil
	}
	if !found {
		return data.Packet{}, fmt.Errorf("decode message type %d: %d bytes are too short: %w", kind, len(frame), data.ErrInvalid)
	}
	if m.at != nil {
		packet.Positions = out.positions[:]
	}
	if service == serviceAcknowledged {
		packet.Reply = append(out.reply[:0],
			serviceResponse, messageACK, byte(sequence>>8), byte(sequence), kind, 0, 0, 0, 0, 0)
	}
	return packet, nil
}

// readOptions reads the options header and returns the mobile id.
func readOptions(r *converters.Reader) string {
	id := ""
	content := r.U8()
	for bit := range options {
		if content&(1<<bit) == 0 {
			continue
		}
		value := r.Bytes(int(r.U8()))
		if bit == optionID {
			id = converters.BCDDigits(value)
		}
	}
	return id
}

func unix(r *converters.Reader) time.Time { return protocol.UnixMilli(int64(r.U32()) * 1000) }

// place puts a place into the report.
func (m *message) place(fixTime time.Time, latitude, longitude int32, valid bool) {
	m.at.Valid = valid
	if protocol.SetPlace(m.at, float64(latitude)/1e7, float64(longitude)/1e7); !m.at.Outdated {
		m.at.FixTime = fixTime
	}
}

// event reads types 2, 4 and 8.
func (m *message) event() bool {
	r, at := &m.body, m.at
	a := &at.Attributes
	at.DeviceTime = unix(r)
	fixTime := unix(r)
	latitude, longitude := int32(r.U32()), int32(r.U32())
	at.AltitudeM = float64(int32(r.U32())) / 100
	if speed := r.U32(); speed != unknownSpeed {
		at.SpeedKnots = converters.KnotsFromMps(float64(speed) / 100)
	}
	at.CourseDeg = protocol.Course(float64(int16(r.U16())))
	satellites := r.U8()
	invalid := r.U8()&(1<<3) != 0
	if !r.OK() {
		return false
	}
	m.place(fixTime, latitude, longitude, !invalid)
	a.SetInt("sat", int64(satellites))
	if r.Len() < 2+2+1+1+1+1 {
		return true
	}
	r.Skip(2) // carrier
	a.SetInt("rssi", int64(int16(r.U16())))
	a.SetInt("modem", int64(r.U8()))
	if hdop := r.U8(); hdop != unknownHDOP {
		a.SetFloat("hdop", float64(hdop)/10)
	}
	m.inputs()
	a.SetInt("status", int64(r.U8()))
	switch m.kind {
	case messageEvent:
		r.Skip(1) // number of the event
		if r.Len() > 0 {
			a.SetInt("event", int64(r.U8()))
		}
		m.accumulators(true)
	case messageLocate:
		m.accumulators(true)
	case messageUser:
		r.Skip(1 + 1) // route, id
		a.SetString("result", protocol.Text(r.Bytes(min(int(r.U16()), r.Len()))))
	}
	return true
}

// mini reads type 10.
func (m *message) mini() bool {
	r, at := &m.body, m.at
	a := &at.Attributes
	at.DeviceTime = unix(r)
	latitude, longitude := int32(r.U32()), int32(r.U32())
	at.CourseDeg = protocol.Course(float64(int16(r.U16())))
	at.SpeedKnots = converters.KnotsFromKmh(float64(r.U8()))
	fix := r.U8()
	if !r.OK() {
		return false
	}
	m.place(at.DeviceTime, latitude, longitude, fix&(1<<5) == 0)
	a.SetInt("sat", int64(fix&15))
	if r.Len() < 3 {
		return true
	}
	a.SetInt("modem", int64(r.U8()))
	m.inputs()
	a.SetInt("event", int64(r.U8()))
	m.accumulators(false)
	return true
}

func (m *message) inputs() {
	input := m.body.U8()
	m.at.Attributes.SetInt("input", int64(input))
	m.at.Attributes.SetBool("ignition", input&1 != 0)
}

var accumulatorNames = func() (names [64]string) {
	for i := range names {
		names[i] = "acc" + strconv.Itoa(i)
	}
	return names
}()

// accumulators reads counters, whose meaning the unit's script decides.
func (m *message) accumulators(spare bool) {
	r, a := &m.body, &m.at.Attributes
	if r.Len() == 0 {
		return
	}
	header := r.U8()
	if spare && r.Len() > 0 {
		if v := r.U8(); v > 0 {
			a.SetInt("append", int64(v))
		}
	}
	if header>>6 == 1 {
		r.Skip(4 + 4) // threshold, mask
	}
	for i := 0; i < int(header&0x3F) && r.Len() >= 4; i++ {
		// The names are new: no need to look for earlier ones.
		*a = append(*a, data.Attribute{Key: accumulatorNames[i], Value: data.Int(int64(r.U32()))})
	}
}
