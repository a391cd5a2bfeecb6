package minifinder2

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// alarms lists the alarms by the bits of item 02.
var alarms = [...]struct {
	bit  int
	kind string
}{
	{0, "lowBattery"}, {1, "overspeed"}, {2, "fallDown"}, {8, "powerOff"}, {9, "powerOn"}, {10, "movement"}, {12, "sos"},
}

// marks are bits of item 02 that are no kind of alarm.
var marks = [...]struct {
	bit  int
	name string
}{{13, "button1"}, {14, "button2"}, {31, "bark"}}

func alarm(p *data.Position, bits uint32) {
	a := &p.Attributes
	a.SetInt("event", int64(bits))
	for _, kind := range alarms {
		if bits>>kind.bit&1 != 0 {
			a.AddAlarm(kind.kind)
		}
	}
	for fence := range 4 {
		switch {
		case bits>>(4+fence)&1 == 0:
			continue
		case bits>>(26+fence)&1 != 0:
			a.AddAlarm("geofenceEnter")
		default:
			a.AddAlarm("geofenceExit")
		}
		a.SetInt("geofence", int64(fence+1))
	}
	for _, mark := range marks {
		if bits>>mark.bit&1 != 0 {
			a.SetBool(mark.name, true)
		}
	}
}

// maxRadios bounds the cells and the access points of a position.
const maxRadios = 64

// radio reads the items of cells and access points.
func (r *reader) radio(key byte, v []byte) {
	switch {
	case key == 0x19 && len(v) >= 7:
		r.wifi(v) // the name behind it says nothing about the place
	case key == 0x22:
		for ; len(v) >= 7; v = v[7:] {
			r.wifi(v)
		}
	case key == 0x2A && len(v) >= 8:
		r.accessPoint(v)
	case key == 0x21 && len(v) >= 3:
		r.cells(v[3:], int(little.Uint16(v)), int(v[2]), 2)
	case key == 0x29 && len(v) >= 3:
		r.cells(v[3:], int(little.Uint16(v)), int(v[2]), 4)
	case key == 0x2B && len(v) >= 4:
		r.cells(v[4:], int(little.Uint16(v)), int(little.Uint16(v[2:])), 4)
	}
}

func (r *reader) network() *data.Network {
	if r.at.Network == nil {
		r.at.Network = &data.Network{}
	}
	return r.at.Network
}

// cells reads a signal, an area and a cell of idSize bytes as often as they
// come.
func (r *reader) cells(v []byte, mcc, mnc, idSize int) {
	size := 3 + idSize
	if len(v) < size {
		return
	}
	network := r.network()
	count := min(len(v)/size, maxRadios-len(network.CellTowers))
	if count <= 0 {
		return
	}
	signals := make([]int, count)
	if network.CellTowers == nil {
		network.CellTowers = make([]data.CellTower, 0, count)
	}
	for i := range count {
		signals[i] = int(int8(v[0]))
		id := int64(little.Uint16(v[3:]))
		if idSize == 4 {
			id = int64(little.Uint32(v[3:]))
		}
		network.CellTowers = append(network.CellTowers, data.CellTower{
			MCC: mcc, MNC: mnc, LAC: int(little.Uint16(v[1:])), CellID: id, SignalDBm: &signals[i],
		})
		v = v[size:]
	}
}

// wifi reads a signal and a hardware address.
func (r *reader) wifi(v []byte) { r.addWifi(v[1:7], int(int8(v[0]))) }

func (r *reader) addWifi(address []byte, signal int) {
	if network := r.network(); len(network.WifiAccessPoints) < maxRadios {
		network.WifiAccessPoints = append(network.WifiAccessPoints, data.WifiAccessPoint{MAC: converters.MACText(address), SignalDBm: &signal})
	}
}

// accessPoint reads an access point whose place or name the device was told.
func (r *reader) accessPoint(v []byte) {
	flags := v[0]
	r.addWifi(v[1:7], int(int8(v[7])))
	v = v[8:]
	if flags&0x80 != 0 && len(v) >= 8 {
		r.place(v)
		v = v[8:]
	}
	if flags&0x40 != 0 {
		r.at.Attributes.SetString("description", protocol.Text(v))
	}
}
