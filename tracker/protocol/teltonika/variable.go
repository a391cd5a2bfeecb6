package teltonika

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// variable reads the elements of any size that end a record of codec 8
// extended.
func (d *record) variable() {
	for range d.r.U16() {
		id := int(d.r.U16())
		b := d.r.Bytes(int(d.r.U16()))
		if !d.r.OK() {
			return
		}
		a := &d.at.Attributes
		switch id {
		case 256, 325:
			a.SetString("vin", protocol.Text(b))
		case 281:
			a.SetString("dtcs", strings.ReplaceAll(protocol.Text(b), ",", " "))
		case 385:
			d.beacons(b)
		case 548, 10828, 10829, 10831, 11317:
			d.tags(b)
		default:
			a.SetString(ioName(id), hex.EncodeToString(b))
		}
	}
}

// beacons reads element 385: beacons whose id is UUID, major and minor, or, in
// the Eddystone form, namespace and instance.
func (d *record) beacons(b []byte) {
	r, a := converters.NewReader(b), &d.at.Attributes
	r.Skip(1) // which part of the list
	for i := 1; r.Len() > 0; i++ {
		flags := r.U8()
		size := 10 + 6
		if flags>>4 > 0 {
			size = 16 + 2 + 2
		}
		id, signal := r.Bytes(size), int8(r.U8())
		if !r.OK() {
			return
		}
		tag := "tag" + strconv.Itoa(i)
		a.SetString(tag+"Id", hex.EncodeToString(id))
		a.SetInt(tag+"Rssi", int64(signal))
		if flags&(1<<1) != 0 {
			if v := r.U16(); r.OK() {
				a.SetFloat(tag+"Battery", float64(v)/100)
			}
		}
		if flags&(1<<2) != 0 {
			if v := int16(r.U16()); r.OK() {
				a.SetInt(tag+"Temp", int64(v))
			}
		}
	}
}

// tags reads the lists of Bluetooth tags: after a header each tag is a length
// and parameters of id, length and value.
func (d *record) tags(b []byte) {
	r := converters.NewReader(b)
	r.Skip(1)
	for i := 1; r.Len() > 0; i++ {
		tag := converters.NewReader(r.Bytes(int(r.U8())))
		for tag.Len() >= 2 {
			id := tag.U8()
			value := tag.Bytes(int(tag.U8()))
			if !tag.OK() {
				break
			}
			d.tagParameter("tag"+strconv.Itoa(i), id, value)
		}
	}
}

func (d *record) tagParameter(tag string, id uint8, b []byte) {
	if len(b) == 0 {
		return
	}
	a := &d.at.Attributes
	r := converters.NewReader(b)
	unsigned := int64(r.Uint(min(len(b), 8)))
	signed := converters.SignExtend(uint64(unsigned), min(len(b), 8))
	switch id {
	case 0:
		a.SetInt(tag+"Rssi", signed)
	case 1:
		a.SetString(tag+"Id", hex.EncodeToString(b))
	case 2:
		if b[0]&(1<<7) != 0 && len(b) > 1 {
			a.SetFloat(tag+"Battery", float64(2000+10*int(b[1]))/1000)
		}
	case 5:
		a.SetString(tag+"Name", protocol.Text(b))
	case 6: // in a second byte, hundredths as in elements 10800 to 10803
		if len(b) > 1 {
			a.SetFloat(tag+"Temp", float64(signed)/100)
		} else {
			a.SetInt(tag+"Temp", signed)
		}
	case 7:
		a.SetInt(tag+"Humidity", unsigned)
	case 8:
		a.SetBool(tag+"Magnet", unsigned > 0)
	case 9:
		a.SetBool(tag+"Motion", unsigned > 0)
	case 13:
		a.SetBool(tag+"LowBattery", unsigned > 0)
	case 14:
		a.SetFloat(tag+"Battery", float64(unsigned)/1000)
	case 15:
		a.SetString(tag+"Mac", hex.EncodeToString(b))
	}
}
