package suntech

import (
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// st9 reads the reports of the ST910 and its sisters. Devices of protocol type
// 1 add a cell before the place and the odometer behind the fix; both can be
// told by their looks.
func (r *report) st9(f *fields) (data.Packet, error) {
	kind, id := f.next(), f.next()
	a := &r.at().Attributes
	a.SetString("type", clean(kind))
	if kind == "Emergency" || kind == "Alert" {
		a.AddAlarm("general")
	}
	first, second := f.next(), f.next()
	if strings.Contains(second, ":") { // an alert without version
		r.at().DeviceTime = dateTime(first, second)
	} else {
		a.SetString("versionFw", clean(first))
		r.at().DeviceTime = dateTime(second, f.next())
	}
	extended := r.settings.protocolType == 1
	latitude := f.next()
	if latitude != "" && !strings.Contains(latitude, ".") {
		extended = true
		latitude = f.next()
	}
	r.place(latitude, f.next())
	r.motion(f)
	r.at().Valid = f.next() == "1"
	if extended && !f.done {
		r.float("odometer", f.next())
	}
	return r.packet(id)
}

// st4 reads the reports of the ST410 and ST440, which carry seven cells.
func (r *report) st4(kind string, f *fields) (data.Packet, error) {
	id := f.next()
	a := &r.at().Attributes
	a.SetString("type", kind)
	a.SetString("versionFw", clean(f.next()))
	model41 := f.next() == "41"
	if model41 {
		f.next()
	}
	for i := range 7 {
		r.neighbour(i, f)
	}
	r.float("battery", f.next())
	r.archive(f.next())
	r.integer("index", f.next())
	r.integer("status", f.next())
	// What stands in front of the date differs by model; the last of it is
	// whether a model 41 moves.
	const most = 4
	last := ""
	for n := 0; n < most && !f.done && len(f.peek()) != len("yyyymmdd"); n++ {
		last = f.next()
	}
	if model41 && last != "" {
		a.SetBool("motion", last == "2")
	}
	r.at().DeviceTime = f.time()
	r.place(f.next(), f.next())
	r.motion(f)
	r.integer("sat", f.next())
	r.at().Valid = f.next() == "1"
	return r.packet(id)
}

// neighbour reads one of the cells; the first has the signal before the area.
func (r *report) neighbour(i int, f *fields) {
	cell, okCell := f.integer(10)
	mcc, okMCC := f.integer(10)
	mnc, okMNC := f.integer(10)
	lac, okLAC := f.integer(10)
	signal, okSignal := f.integer(10)
	f.next() // timing advance
	if i == 0 {
		lac, signal = signal, lac
	}
	if !okCell || !okMCC || !okMNC || !okLAC || !okSignal || cell <= 0 || mcc <= 0 || lac < 0 || mnc < 0 {
		return
	}
	dBm := int(signal)
	r.network.CellTowers = append(r.network.CellTowers, data.CellTower{
		MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell, SignalDBm: &dBm,
	})
	r.at().Network = &r.network
}
