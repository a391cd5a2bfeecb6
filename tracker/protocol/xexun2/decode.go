package xexun2

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

const (
	kindCommand  = 0x0007
	kindPosition = 0x0014

	imeiOffset = 6
	imeiSize   = 8
	imeiDigits = 15
)

// accepted is the body of an answer.
var accepted = []byte{1}

// Decode reads one frame without escapes.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) < minFrame || frame[0] != mark[0] || frame[1] != mark[1] {
		return data.Packet{}, fmt.Errorf("decode frame: want FAAF and at least %d bytes: %w", minFrame, data.ErrInvalid)
	}
	kind := binary.BigEndian.Uint16(frame[2:])
	serial := binary.BigEndian.Uint16(frame[4:])
	imei := frame[imeiOffset : imeiOffset+imeiSize]
	var digits [2 * imeiSize]byte
	hex.Encode(digits[:], imei)
	if id := digits[:imeiDigits]; string(id) != c.id {
		c.id = string(id)
	}
	body := frame[headerSize : len(frame)-markSize]
	packet := data.Packet{Identity: c.id}
	if kind == kindCommand {
		packet.Positions = result(body)
		return packet, nil
	}
	packet.Reply = appendFrame(nil, kind, serial, imei, accepted)
	if kind == kindPosition {
		positions, err := records(body)
		if err != nil {
			return data.Packet{}, err
		}
		packet.Positions = positions
	}
	return packet, nil
}

// result reads the answer to a command.
func result(body []byte) []data.Position {
	text := protocol.Text(body)
	if text == "" {
		return nil
	}
	p := data.Position{Protocol: "xexun2", Outdated: true}
	p.Attributes.SetString("result", text)
	return []data.Position{p}
}

// records reads a body of positions: a count, the length of each, each.
func records(body []byte) ([]data.Position, error) {
	r := converters.NewReader(body)
	count := int(r.U8())
	sizes := converters.NewReader(r.Bytes(2 * count))
	if !r.OK() {
		return nil, fmt.Errorf("decode positions: %d records do not fit into %d bytes: %w", count, len(body), data.ErrInvalid)
	}
	const attributes = 6 // of a usual record
	out := make([]data.Position, 0, count)
	room := make([]data.Attribute, count*attributes)
	for i := range count {
		size := int(sizes.U16())
		if i == count-1 && size > r.Len() {
			size = r.Len() // lengths of the last one lie at times
		}
		record := converters.NewReader(r.Bytes(size))
		if record.Len() == 0 {
			break
		}
		p := data.Position{Protocol: "xexun2", Outdated: true, Attributes: room[i*attributes : i*attributes : (i+1)*attributes]}
		if !read(&p, &record) {
			continue
		}
		out = append(out, p)
	}
	if len(out) == 0 && count > 0 {
		return nil, fmt.Errorf("decode positions: the first of %d records is cut off: %w", count, data.ErrInvalid)
	}
	return out, nil
}

// The bits of the mask of a record.
const (
	hasAlarm = 1 << iota
	hasPosition
	_
	hasFingerprint
	hasVersion
	hasParameters
)

// read reads one record; false if not even its head is there. What is cut off
// further on is left out.
func read(p *data.Position, r *converters.Reader) bool {
	p.Attributes.SetInt("index", int64(r.U8()))
	p.DeviceTime = protocol.UnixMilli(int64(r.U32()) * 1000)
	p.Attributes.SetInt("rssi", int64(r.U8()))
	battery := r.U16()
	p.Attributes.SetBool("charge", battery>>15 != 0)
	p.Attributes.SetInt("batteryLevel", int64(battery&0x7FFF))
	mask := r.U8()
	if !r.OK() {
		return false
	}
	if mask&hasAlarm != 0 {
		alarm(p, r.U32())
	}
	if mask&hasPosition != 0 && !place(p, r) {
		return true
	}
	if mask&hasFingerprint != 0 {
		r.Skip(4)
	}
	if mask&hasVersion != 0 {
		version, _, card := r.Bytes(20), r.Bytes(8), r.Bytes(10)
		p.Attributes.SetString("versionFw", protocol.Text(version))
		p.Attributes.SetString("iccid", digitsOf(card))
	}
	return true
}

// digitsOf returns packed decimals as text, none if they are zero.
func digitsOf(b []byte) string {
	for _, v := range b {
		if v != 0 {
			return converters.BCDDigits(b)
		}
	}
	return ""
}

func alarm(p *data.Position, bits uint32) {
	switch {
	case bits&1 != 0:
		p.Attributes.AddAlarm("sos")
	case bits&(1<<1) != 0:
		p.Attributes.AddAlarm("removing")
	case bits&(1<<15) != 0:
		p.Attributes.AddAlarm("fallDown")
	}
}

// The bits of the mask of a place.
const (
	hasFloat = 1 << iota
	hasWifi
	hasCells
	hasFlight
	_
	hasMotion
	hasDouble
	hasGroups
)

// place reads the parts of a place; false if it is cut off.
func place(p *data.Position, r *converters.Reader) bool {
	mask := r.U8()
	if mask&hasFloat != 0 {
		satellites := r.U8()
		longitude := float64(math.Float32frombits(r.U32()))
		latitude := float64(math.Float32frombits(r.U32()))
		set(p, r, true, satellites, latitude, longitude)
	}
	if mask&hasWifi != 0 {
		wifi(p, r)
	}
	if mask&hasCells != 0 {
		cells(p, r)
	}
	if mask&hasFlight != 0 {
		r.Skip(12 * int(r.U8()))
	}
	if mask&hasMotion != 0 {
		motion(p, r)
	}
	if mask&hasDouble != 0 {
		satellites := r.U8()
		longitude := math.Float64frombits(r.U64())
		latitude := math.Float64frombits(r.U64())
		set(p, r, true, satellites, latitude, longitude)
	}
	if mask&hasGroups != 0 {
		size := int(r.U16())
		groups(p, converters.NewReader(r.Bytes(size)))
	}
	return r.OK()
}

// set puts coordinates in, degrees times 100 plus minutes.
func set(p *data.Position, r *converters.Reader, valid bool, satellites uint8, latitude, longitude float64) {
	if !r.OK() {
		return
	}
	p.Attributes.SetInt("sat", int64(satellites))
	p.Valid = valid && (latitude != 0 || longitude != 0) // zeros stand for no fix
	protocol.SetPlace(p, degrees(latitude), degrees(longitude))
}

// degrees splits the whole degrees, with the sign, from the minutes.
func degrees(v float64) float64 {
	whole := math.Trunc(v / 100)
	return whole + (v-whole*100)/60
}

func motion(p *data.Position, r *converters.Reader) {
	p.SpeedKnots = converters.KnotsFromKmh(float64(r.U16()) / 10)
	p.CourseDeg = protocol.Course(float64(r.U16()) / 10)
}

// groups reads parts with a type and a length of their own.
func groups(p *data.Position, r converters.Reader) {
	for r.Len() >= 3 {
		kind := r.U8()
		g := converters.NewReader(r.Bytes(int(r.U16())))
		if kind != 'G' || g.Len() == 0 {
			continue
		}
		longitude := math.Float64frombits(g.U64())
		latitude := math.Float64frombits(g.U64())
		valid := g.U8() != 0
		satellites := g.U8()
		g.Skip(1) // strength of the satellites' signal
		set(p, &g, valid, satellites, latitude, longitude)
		motion(p, &g)
		if altitude := float64(math.Float32frombits(g.U32())); g.OK() && math.Abs(altitude) < 1e6 {
			p.AltitudeM = altitude
		}
	}
}

func network(p *data.Position) *data.Network {
	if p.Network == nil {
		p.Network = &data.Network{}
	}
	return p.Network
}

func wifi(p *data.Position, r *converters.Reader) {
	const size = 6 + 1
	count := int(r.U8())
	points := converters.NewReader(r.Bytes(count * size))
	if !r.OK() || count == 0 {
		return
	}
	n := network(p)
	n.WifiAccessPoints = make([]data.WifiAccessPoint, count)
	strengths := make([]int, count)
	for i := range count {
		n.WifiAccessPoints[i].MAC = mac(points.Bytes(6))
		strengths[i] = int(int8(points.U8()))
		n.WifiAccessPoints[i].SignalDBm = &strengths[i]
	}
}

func mac(b []byte) string {
	const digits = "0123456789abcdef"
	var out [17]byte
	for i, v := range b {
		if i > 0 {
			out[3*i-1] = ':'
		}
		out[3*i], out[3*i+1] = digits[v>>4], digits[v&15]
	}
	return string(out[:])
}

func cells(p *data.Position, r *converters.Reader) {
	const size = 2 + 2 + 4 + 4 + 1
	count := int(r.U8())
	towers := converters.NewReader(r.Bytes(count * size))
	if !r.OK() || count == 0 {
		return
	}
	n := network(p)
	n.CellTowers = make([]data.CellTower, count)
	strengths := make([]int, count)
	for i := range count {
		t := &n.CellTowers[i]
		t.MCC, t.MNC, t.LAC, t.CellID = int(towers.U16()), int(towers.U16()), int(towers.U32()), int64(towers.U32())
		strengths[i] = int(int8(towers.U8()))
		t.SignalDBm = &strengths[i]
	}
}
