package gl200

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// Decode reads a message of any form.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	switch formOf(frame) {
	case formText:
		return c.decodeText(frame)
	case formOld:
		return decodeOld(frame)
	case formNew:
		return decodeNew(frame)
	}
	return data.Packet{}, fmt.Errorf("decode frame: it starts with none of the heads of the protocol: %w", data.ErrInvalid)
}

// maxVersion is the longest version number; the text of the GT300, which is
// another protocol, has a longer field there.
const maxVersion = 10

// report is everything a usual message points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [20]data.Attribute
	cell       cellRoom
}

// cellRoom is a network of one cell.
type cellRoom struct {
	network data.Network
	towers  [1]data.CellTower
}

func (c *cellRoom) set(p *data.Position, tower data.CellTower) {
	c.towers[0] = tower
	c.network.CellTowers = c.towers[:]
	p.Network = &c.network
}

// message is a text message while it is read.
type message struct {
	f     [][]byte // the fields
	kind  string   // three letters, as a rule
	model model
	// head is the first field after the name; sent that of the send time, or
	// the number of fields if there is none.
	head, sent int
	// first and last are the fields of the longitudes of the first and the last
	// location; 0 if there is none. Only last is set for an empty location.
	first, last int
	out         *report
	at          *data.Position // carries the attributes: the last one
}

func (c *codec) decodeText(frame []byte) (data.Packet, error) {
	text := bytes.TrimRight(frame, "$\x00\r\n ")
	m := message{f: split(text, c.fields[:0])}
	defer c.release(m.f)
	colon := bytes.IndexByte(text, ':')
	if len(m.f) < 4 || !bytes.HasPrefix(m.f[0][colon+1:], []byte("GT")) {
		return data.Packet{}, fmt.Errorf("decode text of %d fields: want +RESP:GT..,version,id,..: %w", len(m.f), data.ErrInvalid)
	}
	version := m.f[1]
	if len(version) > maxVersion || !fields.AllHexDigits(version) {
		return data.Packet{}, fmt.Errorf("decode text: version %.20q is not up to %d hex digits: %w", version, maxVersion, data.ErrInvalid)
	}
	packet := data.Packet{Identity: protocol.Text(m.f[2])}
	if packet.Identity == "" {
		return data.Packet{}, fmt.Errorf("decode text: %w", protocol.ErrNoIdentity)
	}
	m.kind = kindName(m.f[0][colon+3:])
	m.model = modelOf(version)
	count := m.f[len(m.f)-1]
	switch {
	case text[1] == 'A' && m.kind == "HBD":
		packet.Reply = appendAnswer(nil, version, count)
		return packet, nil
	case c.acknowledge && text[1] != 'A':
		packet.Reply = appendAnswer(nil, nil, count)
	}
	m.find()
	m.out = &report{}
	packet.Positions = m.locations()
	m.at = &packet.Positions[len(packet.Positions)-1]
	if cap(m.at.Attributes) == 0 {
		m.at.Attributes = m.out.attributes[:0]
	}
	a := &m.at.Attributes
	a.SetString("type", m.kind)
	if text[1] == 'B' {
		for i := range packet.Positions {
			packet.Positions[i].Attributes.SetBool("archive", true)
		}
	}
	if text[1] == 'A' {
		a.SetString("result", m.text(m.head))
	} else {
		m.attributes()
	}
	if m.first == 0 {
		m.surroundings()
	}
	return packet, nil
}

// release keeps the room of the fields, without the fields, for the next
// message. Room that only a hostile message needs is given back.
func (c *codec) release(room [][]byte) {
	const usual = 256
	c.fields = nil
	if cap(room) <= usual {
		clear(room)
		c.fields = room[:0]
	}
}

// appendAnswer appends the answer to a heartbeat, or, without a version, to a
// report.
func appendAnswer(b, version, count []byte) []byte {
	const limit = 16 // what a device sends is not repeated without bound
	b = append(b, "+SACK:"...)
	if version != nil {
		b = append(b, "GTHBD,"...)
		b = append(b, version...)
		b = append(b, ',')
	}
	b = append(b, count[:min(len(count), limit)]...)
	return append(b, '$')
}

// split cuts text at commas.
func split(text []byte, into [][]byte) [][]byte {
	if cap(into) == 0 {
		into = make([][]byte, 0, 64)
	}
	for {
		i := bytes.IndexByte(text, ',')
		if i < 0 {
			return append(into, text)
		}
		into = append(into, text[:i])
		text = text[i+1:]
	}
}

// firstPlace is the first field that may be a longitude: it has the identity and
// four fields of its own in front.
const firstPlace = 3 + 4

// find finds the send time and the locations: wherever two coordinates are
// followed by a time.
func (m *message) find() {
	n := len(m.f)
	m.sent = n
	for i := max(3, n-2); i < n; i++ {
		if isTime(m.f[i]) {
			m.sent = i
			break
		}
	}
	m.head = 4
	if m.model.vin {
		m.head = 5
	}
	for i := firstPlace; i+2 < n; i++ {
		if isPlace(m.f[i]) && isPlace(m.f[i+1]) && isTime(m.f[i+2]) {
			if m.first == 0 {
				m.first = i
			}
			m.last = i
			if m.sent == i+2 {
				m.sent = n
			}
		}
	}
	if m.first > 0 || m.kind == "CAN" || m.kind == "OBD" || m.kind == "INF" {
		return
	}
	// A location without coordinates is known by its cell; what follows it is
	// where it always is.
	for i := m.head; i+7 <= m.sent; i++ {
		if len(m.f[i])+len(m.f[i+1]) == 0 && (len(m.f[i+2]) == 0 || isTime(m.f[i+2])) {
			if _, ok := m.tower(i + 3); ok {
				m.last = i
			}
		}
	}
}

// locations makes the positions: one per location, or one without a place.
func (m *message) locations() []data.Position {
	positions := m.out.positions[:0]
	device := timestamp(m.field(m.sent))
	if m.first == 0 {
		return append(positions, data.Position{Protocol: "gl200", DeviceTime: device, Outdated: true})
	}
	for i := m.first; i <= m.last; i++ {
		if i != m.first && !(isPlace(m.f[i]) && isPlace(m.f[i+1]) && isTime(m.f[i+2])) {
			continue
		}
		positions = append(positions, data.Position{Protocol: "gl200", DeviceTime: device, Valid: true})
		p := &positions[len(positions)-1]
		fix := timestamp(m.f[i+2])
		if i == m.last {
			p.Attributes = m.out.attributes[:0]
		}
		if p.DeviceTime.IsZero() {
			p.DeviceTime = fix
		}
		if hdop, ok := fields.Number(m.f[i-4]); ok {
			if hdop > 0 {
				p.Attributes.SetFloat("hdop", hdop)
			} else if m.repeatsLastFix() {
				p.Valid = false
			}
		}
		if v, ok := fields.Number(m.f[i-3]); ok && v > 0 {
			p.SpeedKnots = converters.KnotsFromKmh(v)
		}
		if v, ok := fields.Number(m.f[i-2]); ok {
			p.CourseDeg = protocol.Course(v)
		}
		p.AltitudeM, _ = fields.Number(m.f[i-1])
		longitude, _ := fields.Number(m.f[i])
		latitude, _ := fields.Number(m.f[i+1])
		if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
			p.FixTime = fix
		}
		if tower, ok := m.tower(i + 3); ok {
			room := &m.out.cell
			if i != m.last {
				room = &cellRoom{}
			}
			room.set(p, tower)
		}
	}
	return positions
}

// repeatsLastFix tells whether an accuracy of 0 says that there was no fix and
// the last place is repeated.
func (m *message) repeatsLastFix() bool { return m.kind == "FRI" || m.kind == "ERI" }

// tower reads MCC, MNC, LAC and cell from four fields.
func (m *message) tower(i int) (tower data.CellTower, ok bool) {
	if i < 0 || i+4 > len(m.f) {
		return tower, false
	}
	mcc, ok1 := fields.Integer(m.f[i])
	mnc, ok2 := fields.Integer(m.f[i+1])
	lac, ok3 := fields.HexNumber(m.f[i+2])
	cell, ok4 := fields.HexNumber(m.f[i+3])
	if !ok1 || !ok2 || !ok3 || !ok4 || mcc < 100 || mcc > 999 || mnc < 0 || mnc > 999 || lac > 0xFFFFFF || cell > 1<<36 {
		return tower, false
	}
	return data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: int64(cell)}, true
}

// surroundings reads cells and access points of a message without a place,
// wherever they stand.
func (m *message) surroundings() {
	n := &m.out.cell.network
	for i := 3; i < m.sent; i++ {
		if len(m.f[i]) == 12 && m.kind == "WIF" {
			if mac := macText(m.f[i]); mac != "" {
				point := data.WifiAccessPoint{MAC: mac}
				if v, ok := fields.Integer(m.field(i + 1)); ok {
					signal := int(v)
					point.SignalDBm = &signal
				}
				n.WifiAccessPoints = append(n.WifiAccessPoints, point)
				continue
			}
		}
		if len(m.f[i]) < 3 || len(m.f[i]) > 4 || !fields.AllDigits(m.f[i]) || i+3 >= m.sent || len(m.f[i+1]) < 2 || len(m.f[i+2]) < 3 {
			continue
		}
		if tower, ok := m.tower(i); ok && tower.CellID != 0 {
			i += 3
			if m.kind == "GSM" || m.kind == "LBS" {
				if v, ok := fields.Integer(m.field(i + 1)); ok && i+1 < m.sent {
					signal := int(v)
					tower.SignalDBm = &signal
				}
			}
			n.CellTowers = append(n.CellTowers, tower)
		}
	}
	if len(n.CellTowers)+len(n.WifiAccessPoints) > 0 {
		m.at.Network = n
	}
}

// macText writes 12 hex digits as pairs joined by colons, "" if b holds
// anything else.
func macText(b []byte) string {
	var out [17]byte
	for i := range 12 {
		d, ok := fields.HexDigit(b[i])
		if !ok {
			return ""
		}
		at := i/2*3 + i%2
		out[at] = "0123456789abcdef"[d]
		if i%2 == 1 && i < 11 {
			out[at+1] = ':'
		}
	}
	return string(out[:])
}

// field returns a field, nil if there are not that many.
func (m *message) field(i int) []byte {
	if i < 0 || i >= len(m.f) {
		return nil
	}
	return m.f[i]
}

func (m *message) text(i int) string { return protocol.Text(m.field(i)) }

// kinds are the message types whose names need no new string.
var kinds = [...]string{
	"FRI", "ERI", "HBD", "INF", "IGN", "IGF", "VGN", "VGF", "STT", "RTL", "GEO", "SOS", "SPD", "TOW", "IDL", "NMR", "DIS", "IGL",
	"HBM", "TMP", "TEM", "STR", "CTN", "DOG", "PNA", "PFA", "MPN", "MPF", "EPN", "EPF", "BPL", "CAN", "OBD", "GSM", "LBS", "WIF",
	"IDA", "LSW", "TSW", "DAR", "DTT", "DAT", "BAA", "BID", "VER", "SWG", "JDR", "JDS",
}

func kindName(b []byte) string {
	for _, k := range kinds {
		if string(b) == k {
			return k
		}
	}
	return protocol.Text(b)
}

// model is what the version number says about the layout of messages. It
// starts with the type of the device, two hex digits, or six of ten.
type model struct {
	vin    bool // a VIN stands before the name
	gl5    bool // GL5xx: signal quality after the cell, no odometer
	gl320m bool
	gv200  bool
	noADC2 bool // GV6xx, GV350M
	adc3   bool // GV200, GV310LAU
}

func modelOf(version []byte) model {
	if len(version) != 6 {
		return model{}
	}
	var upper [2]byte
	for i, c := range version[:2] {
		if upper[i] = c; c >= 'a' {
			upper[i] = c - 'a' + 'A'
		}
	}
	switch string(upper[:]) {
	case "1F": // GV500
		return model{vin: true}
	case "40", "44", "DE": // GL500, GL530, GL500M
		return model{gl5: true}
	case "C3": // GL320M
		return model{gl320m: true}
	case "35": // GV200
		return model{gv200: true, adc3: true}
	case "6E": // GV310LAU
		return model{adc3: true}
	case "31", "C2", "DC", "F1": // GV65, GV600M, GV600MG, GV350M
		return model{noADC2: true}
	}
	return model{}
}
