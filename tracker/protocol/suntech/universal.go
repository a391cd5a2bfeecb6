package suntech

import (
	"strconv"

	"github.com/waymark-gps/waymark/data"
)

// maxAssigned bounds the left over fields that are kept.
const maxAssigned = 32

// universal reads the text form of the newer families.
func (r *report) universal(kind string, f *fields) (data.Packet, error) {
	id := f.next()
	a := &r.at().Attributes
	switch kind {
	case "ALV", "CRR":
		return data.Packet{Identity: clean(id)}, nil
	}
	a.SetString("type", clean(kind))
	switch kind {
	case "RES":
		a.SetString("result", clean(f.rest))
		return r.packet(id)
	case "BLE":
		r.bluetooth(f)
		return r.packet(id)
	}
	mask, err := strconv.ParseUint(f.next(), 16, 32)
	if err != nil {
		return data.Packet{Identity: clean(id)}, nil // nothing that is known
	}
	r.masked(kind, mask, f)
	for i := 1; !f.done && i <= maxAssigned; i++ {
		a.SetString("assign"+strconv.Itoa(i), clean(f.next()))
	}
	return r.packet(id)
}

// masked reads the fields whose bits are set.
func (r *report) masked(kind string, mask uint64, f *fields) {
	take := func(bit int) string {
		if mask>>bit&1 == 0 {
			return ""
		}
		return f.next()
	}
	a := &r.at().Attributes
	take(1) // model
	a.SetString("versionFw", clean(take(2)))
	r.archive(take(3))
	r.at().DeviceTime = dateTime(take(4), take(5))
	r.cell(take(6), take(7), take(8), take(9), take(10))
	r.place(take(11), take(12))
	r.speed(take(13))
	r.course(take(14))
	r.integer("sat", take(15))
	r.at().Valid = take(16) == "1"
	// Inputs and outputs look binary and are read as decimal numbers.
	if v, err := strconv.ParseInt(take(17), 10, 64); err == nil {
		a.SetBool("ignition", v&1 != 0)
		a.SetInt("input", v)
	}
	r.integer("output", take(18))
	switch kind {
	case "UEX":
		r.serial(f)
		return
	case "ALT":
		r.alarm(alertKinds, take(19))
		r.text1("alertModifier", take(20))
		r.text1("alertData", take(21))
	default:
		r.integer("mode", take(19))
		r.integer("reason", take(20))
		r.integer("index", take(21))
	}
	take(22)
	if assigned, err := strconv.ParseUint(take(23), 16, 32); err == nil {
		for bit := range 32 {
			if assigned>>bit&1 != 0 {
				r.text1("io"+strconv.Itoa(bit+1), f.next())
			}
		}
	}
}

func (r *report) text1(key, s string) { r.at().Attributes.SetString(key, clean(s)) }

// cell stores the cell: identity and area are hexadecimal.
func (r *report) cell(cell, mcc, mnc, lac, signal string) {
	id, err := strconv.ParseInt(cell, 16, 64)
	country, errCountry := strconv.ParseInt(mcc, 10, 32)
	network, errNetwork := strconv.ParseInt(mnc, 10, 32)
	area, errArea := strconv.ParseInt(lac, 16, 64)
	if err == nil && errCountry == nil && errNetwork == nil && errArea == nil {
		r.tower(country, network, area, id, signal)
	}
}

// maxTags bounds the Bluetooth tags of a report.
const maxTags = 32

// bluetooth reads a place and the tags around it.
func (r *report) bluetooth(f *fields) {
	a := &r.at().Attributes
	f.next() // model
	a.SetString("versionFw", clean(f.next()))
	r.at().DeviceTime = f.time()
	r.place(f.next(), f.next())
	r.at().Valid = true
	count, _ := f.integer(10)
	for i := 1; int64(i) <= count && i <= maxTags && !f.done; i++ {
		tag := "tag" + strconv.Itoa(i)
		r.integer(tag+"Rssi", f.next())
		f.next() // least
		f.next() // greatest
		r.text1(tag+"Id", f.next())
		r.integer(tag+"Samples", f.next())
		r.integer(tag+"Major", f.next())
		r.integer(tag+"Minor", f.next())
	}
}
