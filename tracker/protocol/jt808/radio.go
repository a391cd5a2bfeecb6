package jt808

import (
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// maxRadios bounds the cells and the access points of a position each.
const maxRadios = 32

func (r *reader) network() *data.Network {
	if r.p.Network == nil {
		r.p.Network = &data.Network{}
	}
	return r.p.Network
}

// cells reads area, cell and signal as often as they come.
func (r *reader) cells(v []byte, mcc, mnc, lacSize, cellSize int) {
	size := lacSize + cellSize + 1
	for ; len(v) >= size; v = v[size:] {
		network := r.network()
		if len(network.CellTowers) >= maxRadios {
			return
		}
		tower := data.CellTower{
			MCC: mcc, MNC: mnc, LAC: int(number(v[:lacSize])), CellID: int64(number(v[lacSize : lacSize+cellSize])),
		}
		if signal := int(v[size-1]); signal != 0 {
			tower.SignalDBm = &signal
		}
		network.CellTowers = append(network.CellTowers, tower)
	}
}

// accessPoints reads hardware address and signal as often as they come.
func (r *reader) accessPoints(v []byte) {
	for ; len(v) >= 7; v = v[7:] {
		r.accessPoint(mac(v[:6]), int(int8(v[6])))
	}
}

func (r *reader) accessPoint(address string, signal int) {
	network := r.network()
	if len(network.WifiAccessPoints) < maxRadios {
		network.WifiAccessPoints = append(network.WifiAccessPoints, data.WifiAccessPoint{MAC: address, SignalDBm: &signal})
	}
}

// mac writes six bytes as pairs of hex digits joined by colons.
func mac(v []byte) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 17)
	for i, c := range v {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, digits[c>>4], digits[c&15])
	}
	return string(b)
}

// cellOrItems reads item EB: cells, the time zone as text, or sub items.
func (r *reader) cellOrItems(v []byte) {
	if len(v) < 3 {
		return
	}
	if mcc := int(number(v[:2])); mcc > 200 && mcc < 1000 && len(v) >= 8 && (len(v)-3)%5 == 0 {
		r.cells(v[3:], mcc, int(v[2]), 2, 2)
		return
	}
	if text := printable(v); len(text) == len(v) {
		r.p.Attributes.SetString("timezone", text)
		return
	}
	for len(v) >= 4 {
		size := int(number(v[:2])) // counts the type
		if size < 2 || 2+size > len(v) {
			return
		}
		if size > 2 {
			r.subItem(uint16(number(v[2:4])), v[4:2+size])
		}
		v = v[2+size:]
	}
}

// maxBattery is the most that the battery of a tracker has; above it is the
// supply of the vehicle. In millivolts.
const maxBattery = 6000

// subItem reads what is in item EB; v is not empty.
func (r *reader) subItem(kind uint16, v []byte) {
	a := &r.p.Attributes
	n := len(v)
	bits := number(v)
	switch kind {
	case 0x0001:
		a.SetFloat("fuel1", float64(number(v[:min(2, n)]))/10)
	case 0x0023:
		if fuel, err := strconv.ParseFloat(printable(v), 64); err == nil {
			a.SetFloat("fuel2", fuel)
		}
	case 0x002D:
		if bits < maxBattery {
			a.SetFloat("battery", float64(bits)/1000)
		} else {
			a.SetFloat("power", float64(bits)/1000)
		}
	case 0x0089:
		if n >= 4 && bits&1 == 0 {
			a.AddAlarm("powerOff")
		}
		if n >= 4 && bits>>12&1 == 0 {
			a.AddAlarm("removing")
		}
	case 0x00A8, 0x00E1:
		a.SetInt("batteryLevel", int64(v[0]))
	case 0x00B2:
		a.SetString("iccid", converters.BCDDigits(v))
	case 0x00B9:
		r.wifiText(printable(v))
	case 0x00C5:
		if n >= 4 && bits>>6&1 == 0 {
			a.AddAlarm("vibration")
		}
		if state := bits >> 23 & 3; n >= 4 && state <= 1 {
			a.SetBool("motion", state == 0)
		}
	case 0x00C6:
		if v[0] == 3 || v[0] == 4 {
			a.AddAlarm("lowBattery")
		}
	case 0x00CE:
		a.SetFloat("power", float64(bits)/100)
	case 0x00D8:
		r.servingCell(v)
	}
}

// wifiText reads address and signal with commas between them, after a count.
func (r *reader) wifiText(text string) {
	fields := strings.Split(text, ",")
	for i := 0; i+1 < len(fields); i += 2 {
		address := strings.ToLower(fields[i])
		signal, err := strconv.Atoi(fields[i+1])
		if len(address) != 17 || err != nil || signal < -200 || signal > 200 {
			continue
		}
		r.accessPoint(address, signal)
	}
}

// servingCell reads MCC, MNC, area and cell of two or four bytes.
func (r *reader) servingCell(v []byte) {
	b := converters.NewReader(v)
	tower := data.CellTower{MCC: int(b.U16()), MNC: int(b.U8()), LAC: int(b.U16())}
	if b.Len() >= 4 {
		tower.CellID = int64(b.U32())
	} else {
		tower.CellID = int64(b.U16())
	}
	if b.OK() && tower.MCC > 0 && r.p.Network == nil {
		r.network().CellTowers = []data.CellTower{tower}
	}
}
