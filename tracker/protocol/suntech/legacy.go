package suntech

import (
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// shape says which fields the reports of a family have.
type shape struct {
	model, cell, network bool
}

func shapeOf(family string) shape {
	series := family[:min(3, len(family))]
	return shape{
		model:   series == "ST3" || series == "ST5" || series == "ST6",
		cell:    series != "ST5",
		network: series == "ST6",
	}
}

// fields is how many fields there are before those of the type.
func (s shape) fields() int {
	n := 1 + 1 + 3 + 9 // type, id; version, date, time; latitude to inputs
	if s.model {
		n++
	}
	if s.cell {
		n++
	}
	if s.network {
		n += 4
	}
	return n
}

// legacy reads the reports of the SA200, ST2xx, ST3xx, ST5xx and ST6xx.
func (r *report) legacy(family, kind string, f *fields) (data.Packet, error) {
	a := &r.at().Attributes
	switch kind {
	case "CMD":
		if f.peek() == "Res" {
			f.next()
		}
		id := f.next()
		a.SetString("type", kind)
		a.SetString("result", clean(f.rest))
		return r.packet(id)
	case "ALV":
		return data.Packet{Identity: clean(f.next())}, nil
	}
	id := f.next()
	a.SetString("type", clean(kind))
	s := shapeOf(family)
	if s.model {
		f.next()
	}
	a.SetString("versionFw", clean(f.next()))
	r.at().DeviceTime = f.time()
	if s.cell {
		cell, okCell := f.integer(16)
		if s.network {
			mcc, okMCC := f.integer(10)
			mnc, okMNC := f.integer(10)
			lac, okLAC := f.integer(16)
			if signal := f.next(); okCell && okMCC && okMNC && okLAC {
				r.tower(mcc, mnc, lac, cell, signal)
			}
		}
	}
	r.place(f.next(), f.next())
	r.motion(f)
	r.integer("sat", f.next())
	r.at().Valid = f.next() == "1"
	r.float("odometer", f.next())
	r.float("power", f.next())
	r.inputs(f.next())
	switch kind {
	case "STT":
		r.integer("status", f.next())
		r.integer("index", f.next())
	case "EMG":
		r.alarm(emergencyKinds, f.next())
	case "EVT":
		r.integer("event", f.next())
	case "ALT":
		r.alarm(alertKinds, f.next())
	case "UEX":
		r.serial(f)
	}
	if r.settings.hbm > 0 {
		r.tail(f)
	}
	return r.packet(id)
}

// inputs reads six digits: ignition, three inputs, two outputs. Shorter texts
// mean something else.
func (r *report) inputs(s string) {
	if len(s) < 6 {
		return
	}
	for i, key := range [...]string{"ignition", "in1", "in2", "in3", "out1", "out2"} {
		r.at().Attributes.SetBool(key, s[i] == '1')
	}
}

// tail reads what the option HBM of the device adds.
func (r *report) tail(f *fields) {
	if f.done {
		return
	}
	r.hours(f.next())
	r.float("battery", f.next())
	r.archive(f.next())
	if r.settings.adc {
		for _, key := range [...]string{"adc1", "adc2", "adc3"} {
			r.float(key, f.next())
		}
	}
	if r.settings.rpm {
		r.integer("rpm", f.next())
	}
	least := 2
	if r.settings.hbm == 2 {
		least = 7
	}
	if f.left() >= least {
		if driver := clean(f.next()); strings.Trim(driver, "0") != "" {
			r.at().Attributes.SetString("driverUniqueId", driver)
		}
		f.next() // whether the device knows the driver
	}
	if r.settings.temperature {
		for i := 1; i <= 3; i++ {
			if _, value, ok := strings.Cut(f.next(), ":"); ok {
				r.float("temp"+strconv.Itoa(i), value)
			}
		}
	}
	if r.settings.hbm == 2 {
		cell, okCell := f.integer(10)
		mcc, okMCC := f.integer(10)
		mnc, okMNC := f.integer(10)
		signal := f.next()
		if lac, ok := f.integer(10); ok && okCell && okMCC && okMNC {
			r.tower(mcc, mnc, lac, cell, signal)
		}
	}
}

// travel reads the report at the end of a journey, for the driver's key: the
// last field.
func (r *report) travel(family string, f *fields) (data.Packet, error) {
	id := f.next()
	r.at().Attributes.SetString("type", "HTE")
	if shapeOf(family).model {
		f.next()
	}
	f.next() // version
	r.at().DeviceTime = f.time()
	last := f.rest[strings.LastIndexByte(f.rest, ';')+1:]
	r.at().Attributes.SetString("driverUniqueId", clean(last))
	return r.packet(id)
}
