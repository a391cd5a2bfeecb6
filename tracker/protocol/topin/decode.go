package topin

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The message types.
const (
	kindLogin         = 0x01
	kindDegrees       = 0x08 // without data: a keep-alive
	kindDegreesStored = 0x09
	kindGPS           = 0x10
	kindGPSStored     = 0x11
	kindStatus        = 0x13
	kindWifiStored    = 0x17
	kindCells         = 0x18
	kindCellsStored   = 0x19
	kindCells2        = 0x1A
	kindTime          = 0x30
	kindWifi          = 0x69
	kindVibration     = 0x94
	kindSOS           = 0x99
)

func isScan(kind byte) bool {
	switch kind {
	case kindWifiStored, kindCells, kindCellsStored, kindCells2, kindWifi:
		return true
	}
	return false
}

const (
	accepted = 0x01
	refused  = 0x44
)

// report is everything a usual message points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [6]data.Attribute
	network    data.Network
	reply      [16]byte
}

// message is one frame while it is read.
type message struct {
	length, kind byte
	body         converters.Reader
	out          *report
	at           *data.Position // out.positions[0]
	reply        []byte
}

// Decode reads one frame, with or without its stop.
func (codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) < headerSize || frame[0] != mark || frame[1] != mark {
		return data.Packet{}, fmt.Errorf("decode frame of %d bytes: want 7878, length and type: %w", len(frame), data.ErrInvalid)
	}
	content := frame[headerSize:]
	if n := len(content); n >= 2 && content[n-2] == stop[0] && content[n-1] == stop[1] {
		content = content[:n-2]
	}
	m := message{length: frame[2], kind: frame[3], body: converters.NewReader(content)}
	switch m.kind {
	case kindLogin:
		return m.login(now)
	case kindTime:
		return data.Packet{Reply: appendTime(nil, now)}, nil
	}
	m.out = &report{}
	m.at = &m.out.positions[0]
	m.at.Protocol = "topin"
	m.at.Attributes = m.out.attributes[:0]
	m.at.Outdated = true
	var found bool
	switch {
	case m.kind == kindDegrees || m.kind == kindDegreesStored:
		if len(content) == 0 {
			return data.Packet{}, nil
		}
		found = m.degrees()
	case m.kind == kindGPS || m.kind == kindGPSStored:
		found = m.gps()
	case m.kind == kindStatus:
		found = m.status()
	case isScan(m.kind):
		found = m.scan()
	case m.kind == kindVibration:
		m.at.Attributes.AddAlarm("vibration")
		found = true
	case m.kind == kindSOS:
		m.at.Attributes.AddAlarm("sos")
		found = true
	default: // sleep, reset, answers to switches
		return data.Packet{}, nil
	}
	if !found {
		return data.Packet{}, fmt.Errorf("decode message 0x%02x: %d bytes are too short: %w", m.kind, len(frame), data.ErrInvalid)
	}
	return data.Packet{Positions: m.out.positions[:], Reply: m.reply}, nil
}

// login reads the IMEI as eight binary coded decimals, of which the first half
// byte is filler. The time follows the answer: the device has no clock of its
// own yet.
func (m *message) login(now time.Time) (data.Packet, error) {
	id := m.body.Bytes(8)
	if id == nil {
		return data.Packet{}, fmt.Errorf("decode login: no IMEI: %w", data.ErrInvalid)
	}
	for i, b := range id {
		if _, ok := converters.FromBCD(b); !ok && (i > 0 || b&15 > 9) {
			return data.Packet{}, fmt.Errorf("decode login: IMEI %x is not decimal: %w", id, data.ErrInvalid)
		}
	}
	digits := converters.BCDDigits(id)
	reply := appendFrame(make([]byte, 0, 24), m.length, kindLogin, []byte{accepted})
	return data.Packet{
		Identity: digits[len(digits)-15:],
		Reply:    appendTime(reply, now),
		Refusal:  appendFrame(nil, m.length, kindLogin, []byte{refused}),
	}, nil
}

// appendTime appends the message that sets the device's clock.
func appendTime(b []byte, now time.Time) []byte {
	t := now.UTC()
	content := binary.BigEndian.AppendUint16(make([]byte, 0, 7), uint16(t.Year()))
	content = append(content, byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()))
	return appendFrame(b, byte(len(content)), kindTime, content)
}

// date reads six bytes, which the answer repeats as they are.
func (m *message) date(decimal bool) bool {
	b := m.body.Bytes(timeSize)
	if b == nil {
		return false
	}
	var f [timeSize]int
	for i, c := range b {
		f[i] = int(c)
		if decimal {
			n, ok := converters.FromBCD(c)
			if !ok {
				n = 99 // no such month, day or hour
			}
			f[i] = n
		}
	}
	m.at.DeviceTime = protocol.Date(2000+f[0], f[1], f[2], f[3], f[4], f[5])
	if m.kind != kindDegrees && m.kind != kindDegreesStored {
		m.reply = appendFrame(m.out.reply[:0], m.length, m.kind, b)
	}
	return true
}

// place puts a place measured at the time of the report into it.
func (m *message) place(latitude, longitude float64) {
	if protocol.SetPlace(m.at, latitude, longitude); !m.at.Outdated {
		m.at.FixTime = m.at.DeviceTime
	}
}

// gps reads types 10 and 11.
func (m *message) gps() bool {
	r, at := &m.body, m.at
	if !m.date(false) {
		return false
	}
	satellites := r.U8() & 15
	const unitsPerDegree = 60 * 30000
	latitude, longitude := float64(r.U32())/unitsPerDegree, float64(r.U32())/unitsPerDegree
	at.SpeedKnots = converters.KnotsFromKmh(float64(r.U8()))
	flags := r.U16()
	if !r.OK() {
		return false
	}
	at.Attributes.SetInt("sat", int64(satellites))
	at.CourseDeg = protocol.Course(float64(flags & 0x3FF))
	if flags&(1<<10) == 0 {
		latitude = -latitude
	}
	if flags&(1<<11) != 0 {
		longitude = -longitude
	}
	at.Valid = flags&(1<<12) != 0
	m.place(latitude, longitude)
	if r.Len() >= 2 {
		at.AltitudeM = float64(int16(r.U16()))
	}
	m.alarm()
	return true
}

// degrees reads types 08 and 09.
func (m *message) degrees() bool {
	r, at := &m.body, m.at
	if !m.date(false) {
		return false
	}
	latitude, longitude := m.degree(), m.degree()
	if !r.OK() {
		return false
	}
	at.Valid = m.kind == kindDegrees
	m.place(latitude, longitude)
	r.Skip(min(8, r.Len())) // a second place
	at.SpeedKnots = converters.KnotsFromKmh(float64(r.U8()))
	at.CourseDeg = protocol.Course(2 * float64(r.U8()))
	if satellites := r.U8(); r.OK() {
		at.Attributes.SetInt("sat", int64(satellites))
	}
	return true
}

// degree reads whole degrees, a half byte that is not 0 for a minus sign, and
// millionths in 20 bits.
func (m *message) degree() float64 {
	whole, rest := m.body.U8(), m.body.U24()
	v := float64(whole) + float64(rest&0xFFFFF)/1e6
	if rest>>20 > 0 {
		return -v
	}
	return v
}

// status reads type 13; the answer repeats it.
func (m *message) status() bool {
	r, a := &m.body, &m.at.Attributes
	if r.Len() < 2 {
		return false
	}
	if r.Len() <= maxStatusReply {
		m.reply = appendFrame(m.out.reply[:0], m.length, kindStatus, r.Rest())
	}
	a.SetInt("batteryLevel", int64(r.U8()))
	a.SetInt("versionFw", int64(r.U8()))
	r.Skip(min(2, r.Len())) // time zone, interval
	if r.Len() >= 1 {
		a.SetInt("rssi", int64(r.U8()))
	}
	if r.Len() >= 3 {
		r.Skip(3) // temperature
	}
	if r.Len() >= 1 {
		a.SetBool("charge", r.U8() > 0)
	}
	if r.Len() >= 1 {
		a.SetInt("heartRate", int64(r.U8()))
	}
	return true
}

// scan reads the access points and cells around the device.
func (m *message) scan() bool {
	r := &m.body
	if !m.date(true) {
		return false
	}
	network := &m.out.network
	for i := 0; i < int(m.length) && r.Len() >= pointSize; i++ {
		mac, signal := r.Bytes(6), int(r.U8())
		network.WifiAccessPoints = append(network.WifiAccessPoints, data.WifiAccessPoint{MAC: converters.MACText(mac), SignalDBm: &signal})
	}
	if r.Len() > 0 {
		if count := int(r.U8()); count > 0 {
			m.cells(count)
		}
	}
	if len(network.CellTowers)+len(network.WifiAccessPoints) > 0 {
		m.at.Network = network
	}
	m.alarm()
	return true
}

// cells reads the cells. Some devices write area and cell in four bytes each:
// the size of the message tells.
func (m *message) cells(count int) {
	r := &m.body
	mcc, mnc := int(r.U16()), int(r.U8())
	size, cell := 2, cellSize
	if r.Len() >= count*wideCellSize {
		size, cell = 4, wideCellSize
	}
	for range count {
		if r.Len() < cell {
			return
		}
		tower := data.CellTower{MCC: mcc, MNC: mnc, LAC: int(r.Uint(size)), CellID: int64(r.Uint(size))}
		signal := int(r.U8())
		tower.SignalDBm = &signal
		m.out.network.CellTowers = append(m.out.network.CellTowers, tower)
	}
}

// alarm reads the byte that may end a position or a scan.
func (m *message) alarm() {
	if m.body.Len() == 0 {
		return
	}
	bits := m.body.U8()
	for _, c := range [...]struct {
		bit  uint8
		kind string
	}{{1 << 0, "vibration"}, {1 << 1, "overspeed"}, {1 << 4, "lowPower"}} {
		if bits&c.bit != 0 {
			m.at.Attributes.AddAlarm(c.kind)
		}
	}
}
