package meitrack

import (
	"encoding/binary"
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The older binary form, CCC, little endian: records of a fixed size.

const (
	headCCC   = 2 + 2 + 4
	recordCCC = 52
	// epoch is 2000-01-01 in seconds since 1970; the clocks count from there.
	epoch = 946684800
)

var little = binary.LittleEndian

// recordReport is what a record points to.
type recordReport struct {
	attributes [10]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
	signal     int
}

func (c *codec) decodeCCC(content []byte) ([]data.Position, error) {
	if len(content) < headCCC+recordCCC {
		return nil, fmt.Errorf("decode CCC of %d bytes: not one record: %w", len(content), data.ErrInvalid)
	}
	content = content[headCCC:]
	count := len(content) / recordCCC
	positions := make([]data.Position, count)
	reports := make([]recordReport, count)
	for i := range positions {
		c.readCCC(content[i*recordCCC:(i+1)*recordCCC], &positions[i], &reports[i])
	}
	return positions, nil
}

func (c *codec) readCCC(b []byte, p *data.Position, out *recordReport) {
	*p = data.Position{
		Protocol: "meitrack", Attributes: out.attributes[:0], Valid: b[13] == 1,
		DeviceTime: protocol.UnixMilli((epoch + int64(little.Uint32(b[9:]))) * 1000),
		SpeedKnots: converters.KnotsFromKmh(float64(little.Uint16(b[16:]))),
		CourseDeg:  protocol.Course(float64(little.Uint16(b[18:]))),
		AltitudeM:  float64(int16(little.Uint16(b[22:]))),
	}
	setPlace(p, float64(int32(little.Uint32(b[1:])))/1e6, float64(int32(little.Uint32(b[5:])))/1e6)
	a := &p.Attributes
	setEvent(a, int(b[0]))
	a.SetInt("sat", int64(b[14]))
	a.SetFloat("hdop", float64(little.Uint16(b[20:]))/10)
	a.SetInt("odometer", int64(little.Uint32(b[24:])))
	a.SetInt("runtime", int64(little.Uint32(b[28:])))
	if mcc := int(little.Uint16(b[32:])); mcc > 0 && mcc <= 999 {
		out.signal = int(b[15])
		out.towers[0] = data.CellTower{
			MCC: mcc, MNC: int(little.Uint16(b[34:])), LAC: int(little.Uint16(b[36:])), CellID: int64(little.Uint16(b[38:])),
			SignalDBm: &out.signal,
		}
		out.network.CellTowers = out.towers[:]
		p.Network = &out.network
	}
	a.SetInt("status", int64(little.Uint16(b[40:])))
	a.SetInt("adc1", int64(little.Uint16(b[42:])))
	a.SetFloat("battery", float64(little.Uint16(b[44:]))/100)
	a.SetFloat("power", float64(little.Uint16(b[46:]))/100)
}
