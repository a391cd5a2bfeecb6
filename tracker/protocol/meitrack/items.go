package meitrack

import (
	"fmt"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The newer binary form, CCE, little endian: records of numbered parameters,
// in groups by their size.

const (
	headCCE = 4 + 2
	// groups are parameters of 1, 2 and 4 bytes, and with a length.
	groups = 4
	// longID is the first byte of an id of two bytes.
	longID = 0xFE
)

func (c *codec) decodeCCE(content []byte) ([]data.Position, error) {
	if len(content) < headCCE {
		return nil, fmt.Errorf("decode CCE of %d bytes: no head: %w", len(content), data.ErrInvalid)
	}
	count := int(little.Uint16(content[4:]))
	content = content[headCCE:]
	positions := make([]data.Position, 0, min(count, len(content)/recordHead+1))
	for range count {
		if len(content) < recordHead {
			break
		}
		size := int(little.Uint16(content))
		content = content[2:]
		record := content[:min(size, len(content))]
		if len(record) < 2 {
			break
		}
		positions = append(positions, readCCE(record[2:]))
		content = content[len(record):]
	}
	if len(positions) == 0 && count > 0 {
		return nil, fmt.Errorf("decode CCE: %d records announced, none is there: %w", count, data.ErrInvalid)
	}
	return positions, nil
}

// recordHead is the length and the index of a record.
const recordHead = 2 + 2

// place gathers what makes a place, since it comes in any order.
type place struct {
	latitude, longitude       float64
	hasLatitude, hasLongitude bool
}

// readCCE reads the groups of a record. A record that is cut off keeps what
// was read.
func readCCE(b []byte) data.Position {
	p := data.Position{Protocol: "meitrack"}
	p.Attributes = make(data.Attributes, 0, 16)
	var at place
	for group := range groups {
		if len(b) == 0 {
			break
		}
		count := int(b[0])
		b = b[1:]
		for range count {
			var id int
			var value []byte
			id, value, b = nextParameter(b, group)
			if value == nil {
				break
			}
			if group < 3 {
				number := uint32(0)
				for i, c := range value {
					number |= uint32(c) << (8 * i)
				}
				readNumber(&p, &at, id, number)
			} else {
				readBlock(&p, id, value)
			}
		}
	}
	if !at.hasLatitude || !at.hasLongitude {
		p.Outdated, p.Valid = true, false
		return p
	}
	setPlace(&p, at.latitude, at.longitude)
	return p
}

// nextParameter takes an id and a value; value is nil if b ends before.
func nextParameter(b []byte, group int) (id int, value, rest []byte) {
	if len(b) < 1 {
		return 0, nil, nil
	}
	id, b = int(b[0]), b[1:]
	if id == longID {
		if len(b) < 1 {
			return 0, nil, nil
		}
		id, b = id<<8|int(b[0]), b[1:]
	}
	size := 1 << group
	if group == 3 {
		if len(b) < 1 {
			return 0, nil, nil
		}
		size, b = int(b[0]), b[1:]
	}
	if len(b) < size {
		return 0, nil, nil
	}
	return id, b[:size:size], b[size:]
}

// readNumber reads a parameter of up to four bytes.
func readNumber(p *data.Position, at *place, id int, v uint32) {
	a := &p.Attributes
	switch id {
	case 0x01, 0x40:
		setEvent(a, int(v))
	case 0x02:
		at.latitude, at.hasLatitude = float64(int32(v))/1e6, true
	case 0x03:
		at.longitude, at.hasLongitude = float64(int32(v))/1e6, true
	case 0x04:
		p.DeviceTime = protocol.UnixMilli((epoch + int64(v)) * 1000)
	case 0x05:
		p.Valid = v > 0
	case 0x06:
		a.SetInt("sat", int64(v))
	case 0x07:
		a.SetInt("rssi", int64(v))
	case 0x08:
		p.SpeedKnots = converters.KnotsFromKmh(float64(v))
	case 0x09:
		p.CourseDeg = protocol.Course(float64(v))
	case 0x0A:
		a.SetInt("hdop", int64(v))
	case 0x0B:
		p.AltitudeM = float64(int16(v))
	case 0x0C:
		a.SetInt("odometer", int64(v))
	case 0x0D:
		a.SetInt("runtime", int64(v))
	case 0x14:
		a.SetInt("output", int64(v))
	case 0x15:
		a.SetInt("input", int64(v))
	case 0x16:
		a.SetFloat("adc1", float64(v)/100)
	case 0x17:
		a.SetFloat("adc2", float64(v)/100)
	case 0x19:
		a.SetFloat("battery", float64(v)/100)
	case 0x1A:
		a.SetFloat("power", float64(v)/100)
	case 0x25:
		if v != 0 {
			a.SetString("driverUniqueId", strconv.FormatUint(uint64(v), 10))
		}
	case 0x29:
		a.SetFloat("fuel", float64(v)/100)
	case 0x47:
		if v != 0 {
			a.SetBool("lock", v == 2)
		}
	case 0x91, 0x92:
		a.SetInt("obdSpeed", int64(v))
	case 0x97:
		a.SetInt("throttle", int64(v))
	case 0x98:
		a.SetInt("fuelUsed", int64(v))
	case 0x99:
		a.SetInt("rpm", int64(v))
	case 0x9B:
		a.SetInt("obdOdometer", int64(v))
	case 0x9C:
		a.SetInt("coolantTemp", int64(int16(v)))
	case 0x9D:
		a.SetInt("fuel", int64(v))
	case 0x9F:
		a.SetInt("temp1", int64(int16(v)))
	case 0xA0:
		a.SetFloat("fuelUsed", float64(v)/1000)
	case 0xA2:
		a.SetFloat("fuelConsumption", float64(v)/100)
	case 0xC9:
		a.SetInt("fuelConsumption", int64(v))
	case 0xFE69:
		a.SetInt("batteryLevel", int64(v))
	case 0xFEF4:
		a.SetInt("hours", int64(v)*60000)
	}
}

// readBlock reads a parameter with a length.
func readBlock(p *data.Position, id int, b []byte) {
	a := &p.Attributes
	switch {
	case id == 0x0E || id == 0x0F || id == 0x10 || id == 0x12 || id == 0x13:
		if len(b) < 12 {
			return
		}
		mcc, signal := int(little.Uint16(b)), int(int16(little.Uint16(b[10:])))
		if mcc == 0 || mcc > 999 {
			return
		}
		network := networkOf(p)
		network.CellTowers = append(network.CellTowers, data.CellTower{
			MCC: mcc, MNC: int(little.Uint16(b[2:])), LAC: int(little.Uint16(b[4:])), CellID: int64(little.Uint32(b[6:])), SignalDBm: &signal,
		})
	case id >= 0x1D && id <= 0x25:
		if len(b) < 8 {
			return
		}
		signal := int(int16(little.Uint16(b[6:])))
		network := networkOf(p)
		network.WifiAccessPoints = append(network.WifiAccessPoints, data.WifiAccessPoint{
			MAC: converters.MACText(b[:6]), SignalDBm: &signal,
		})
	case id >= 0x2A && id <= 0x31:
		if len(b) >= 3 {
			a.SetFloat(temperatureName(id-0x2A), float64(int16(little.Uint16(b[1:])))/100)
		}
	case id == 0xFE31:
		if len(b) >= 2 {
			a.SetInt("alarmProtocol", int64(b[0]))
			a.SetInt("alarmType", int64(b[1]))
			a.SetString("pictureName", protocol.Text(b[2:]))
		}
	case id == 0xFE73:
		readSensor(a, b)
	case id == 0xFEA8:
		for i, name := range [...]string{"batteryLevel", "battery2Level", "battery3Level"} {
			if len(b) >= 2*i+2 && b[2*i] != 0 {
				a.SetInt(name, int64(b[2*i+1]))
			}
		}
	}
}

// readSensor reads a Bluetooth sensor: version, name, address, battery,
// temperature, humidity.
func readSensor(a *data.Attributes, b []byte) {
	const behindName = 6 + 1 + 2 + 2
	if len(b) < 2 || len(b) < 2+int(b[1])+behindName {
		return
	}
	name := b[2 : 2+int(b[1])]
	b = b[2+len(name)+6:]
	a.SetString("tagName", protocol.Text(name))
	a.SetInt("tagBattery", int64(b[0]))
	a.SetFloat("tagTemp", float64(int16(little.Uint16(b[1:])))/256)
	a.SetFloat("tagHumidity", float64(int16(little.Uint16(b[3:])))/256)
}

func networkOf(p *data.Position) *data.Network {
	if p.Network == nil {
		p.Network = &data.Network{}
	}
	return p.Network
}
