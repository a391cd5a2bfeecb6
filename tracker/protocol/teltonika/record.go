package teltonika

import (
	"encoding/hex"
	"math"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// gh3000Epoch is 2007-01-01 in seconds since 1970.
const gh3000Epoch = 1167609600

// record reads one AVL record after another.
type record struct {
	codec *codec
	kind  uint8
	r     converters.Reader
	// wideID and wideCount say that ids, or counts, have two bytes.
	wideID, wideCount bool

	at *data.Position
	// The cell is spread over several elements.
	cell cell
	// The driver of FM?6?? is two halves of a text.
	driver [2]uint64
}

func (d *record) id() int {
	if d.wideID {
		return int(d.r.U16())
	}
	return int(d.r.U8())
}

func (d *record) count() int {
	if d.wideCount {
		return int(d.r.U16())
	}
	return int(d.r.U8())
}

// read reads one record into d.at.
func (d *record) read() {
	d.cell, d.driver = cell{}, [2]uint64{}
	groups := uint8(0x0E) // bit n says that elements of 1<<(n-1) bytes follow
	if d.kind == codecGH3000 {
		groups = d.locationGH3000()
	} else {
		d.location()
	}
	for bit := 1; bit <= 3; bit++ {
		if groups&(1<<bit) != 0 {
			d.elements(1 << (bit - 1))
		}
	}
	if d.kind == codecGH3000 {
		return
	}
	d.elements(8)
	if d.codec.extended {
		for range d.count() {
			id := d.id()
			b := d.r.Bytes(16)
			if b == nil {
				return
			}
			d.at.Attributes.SetString(ioName(id), hex.EncodeToString(b))
		}
	}
	if d.kind == codec8E {
		d.variable()
	}
	if d.r.OK() {
		d.network()
		d.finishDriver()
	}
}

// location reads the fixed part of codecs 8, 8 extended and 16.
func (d *record) location() {
	r, p := &d.r, d.at
	t := protocol.UnixMilli(int64(r.U64()))
	priority := r.U8()
	longitude, latitude := int32(r.U32()), int32(r.U32())
	altitude, course := int16(r.U16()), r.U16()
	satellites := r.U8()
	kmh := r.U16()
	event := d.id()
	if d.kind == codec16 {
		r.Skip(1) // why the record was made
	}
	total := d.count()
	if !r.OK() {
		return
	}
	p.DeviceTime = t
	p.Attributes = make(data.Attributes, 0, 4+min(total, r.Len()/2))
	p.Attributes = append(p.Attributes,
		data.Attribute{Key: "priority", Value: data.Int(int64(priority))},
		data.Attribute{Key: "sat", Value: data.Int(int64(satellites))},
		data.Attribute{Key: "event", Value: data.Int(int64(event))})
	protocol.SetPlace(p, float64(latitude)/1e7, float64(longitude)/1e7)
	if p.Outdated {
		return
	}
	p.FixTime = t
	p.Valid = satellites != 0
	p.AltitudeM = float64(altitude)
	p.CourseDeg = protocol.Course(float64(course))
	p.SpeedKnots = converters.KnotsFromKmh(float64(kmh))
}

// locationGH3000 reads the fixed part of codec 7 and returns its mask: bit 0 a
// location, bits 1 to 3 elements.
func (d *record) locationGH3000() uint8 {
	r, p := &d.r, d.at
	p.DeviceTime = protocol.UnixMilli((int64(r.U32()&0x3FFFFFFF) + gh3000Epoch) * 1000)
	mask := r.U8()
	if mask&1 == 0 {
		p.Outdated = true
		return mask
	}
	fields := r.U8()
	has := func(bit int) bool { return fields&(1<<bit) != 0 }
	p.Outdated = true
	if has(0) {
		latitude, longitude := math.Float32frombits(r.U32()), math.Float32frombits(r.U32())
		if r.OK() {
			protocol.SetPlace(p, float64(latitude), float64(longitude))
		}
		if p.Valid = !p.Outdated; p.Valid {
			p.FixTime = p.DeviceTime
		}
	}
	if has(1) {
		p.AltitudeM = float64(int16(r.U16()))
	}
	if has(2) {
		p.CourseDeg = float64(r.U8()) * 360 / 256
	}
	if has(3) {
		p.SpeedKnots = converters.KnotsFromKmh(float64(r.U8()))
	}
	if has(4) {
		satellites := r.U8()
		p.Attributes.SetInt("sat", int64(satellites))
		p.Valid = p.Valid && satellites != 0
	}
	var tower data.CellTower
	if has(5) {
		tower.LAC, tower.CellID = int(r.U16()), int64(r.U16())
	}
	if has(6) {
		p.Attributes.SetInt("rssi", int64(r.U8()))
	}
	if has(7) {
		operator := int64(r.U32())
		p.Attributes.SetInt("operator", operator)
		tower.MCC, tower.MNC = splitOperator(operator)
	}
	if has(5) && r.OK() {
		p.Network = &data.Network{CellTowers: []data.CellTower{tower}}
	}
	return mask
}

// elements reads a group of elements of size bytes.
func (d *record) elements(size int) {
	for range d.count() {
		id := d.id()
		v := d.r.Uint(size)
		if !d.r.OK() {
			return
		}
		if d.kind == codecGH3000 {
			d.at.Attributes.SetInt(ioName(id), int64(v)) // ids of its own
		} else {
			d.element(id, size, v)
		}
	}
}

// cell collects the elements that describe the serving cell.
type cell struct {
	lac, id2G, id4G      int64
	hasLAC, has2G, has4G bool
	operator             int64
}

// network builds the cell tower from its elements.
func (d *record) network() {
	c := &d.cell
	if !c.hasLAC || (!c.has2G && !c.has4G) {
		return
	}
	tower := data.CellTower{LAC: int(c.lac), CellID: c.id2G}
	if !c.has2G {
		tower.CellID, tower.RadioType = c.id4G, "lte"
	}
	tower.MCC, tower.MNC = splitOperator(c.operator)
	d.at.Network = &data.Network{CellTowers: []data.CellTower{tower}}
}

// splitOperator splits a country of three digits and the network behind it:
// 24602 is 246 and 2, 310260 is 310 and 260.
func splitOperator(v int64) (mcc, mnc int) {
	if v < 1000 || v > 999999 {
		return 0, 0
	}
	scale := int64(1)
	for v/scale > 999 {
		scale *= 10
	}
	return int(v / scale), int(v % scale)
}

func (d *record) finishDriver() {
	if !d.codec.model.fm6 || d.driver == [2]uint64{} {
		return
	}
	var b [16]byte
	for i, half := range d.driver {
		for j := range 8 {
			b[8*i+j] = byte(half >> (56 - 8*j))
		}
	}
	d.at.Attributes.SetString("driverUniqueId", protocol.Text(b[:]))
}
