package castel

import (
	"bytes"
	"strconv"

	"github.com/waymark-gps/waymark/util/converters"
)

// pidSize is the size of the value of a PID (SAE J1979), by its low byte.
func pidSize(pid uint8) int {
	switch pid {
	case 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0B, 0x0D, 0x0E, 0x0F, 0x11, 0x12, 0x13, 0x1C, 0x1D, 0x1E,
		0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x33, 0x43, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x51, 0x52, 0x5A:
		return 1
	case 0x00, 0x01, 0x20, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B,
		0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x40, 0x41, 0x4F, 0x67, 0xA6:
		return 4
	}
	return 2
}

// pids reads a count, the numbers and the values of PIDs. Grouped values are
// samples of one period, in the order of time: the last one counts.
func (m *message) pids(r *converters.Reader, grouped bool) {
	count := int(r.U8())
	numbers := r.Bytes(2 * count)
	if !r.OK() {
		return
	}
	if grouped {
		groups, size := int(r.U8()), int(r.U8())
		if groups == 0 {
			return
		}
		r.Skip((groups - 1) * size)
	}
	for ; len(numbers) > 0; numbers = numbers[2:] {
		pid := numbers[0]
		size := pidSize(pid)
		if r.Len() < size {
			return
		}
		value := 0
		for i, b := range r.Bytes(size) {
			value |= int(b) << (8 * i)
		}
		m.pid(pid, value)
	}
}

func (m *message) pid(pid uint8, value int) {
	a := &m.last().Attributes
	switch pid {
	case 0x04:
		a.SetFloat("engineLoad", percent(value))
	case 0x05:
		a.SetInt("coolantTemp", int64(value-40))
	case 0x0C:
		a.SetInt("rpm", int64(value))
	case 0x0D:
		a.SetInt("obdSpeed", int64(value))
	case 0x11:
		a.SetFloat("throttle", percent(value))
	case 0x2F:
		a.SetFloat("fuel", percent(value))
	default:
		a.SetInt("io"+strconv.Itoa(int(pid)), int64(value))
	}
}

// percent: 255 is all.
func percent(value int) float64 { return float64(value) * 100 / 255 }

// faults reads a count and as many trouble codes.
func (m *message) faults(r *converters.Reader, long bool) {
	var codes []byte
	for count := int(r.U8()); count > 0 && r.Len() >= 2; count-- {
		code := r.U16LE()
		if long {
			r.Skip(min(2, r.Len()))
		}
		if len(codes) > 0 {
			codes = append(codes, ' ')
		}
		codes = append(codes, "PCBU"[code>>14])
		digits := strconv.AppendUint(nil, uint64(code&0x3FFF)|1<<16, 16)[1:]
		codes = append(codes, bytes.ToUpper(digits)...)
	}
	m.last().Attributes.SetString("dtcs", string(codes))
}

// acceleration reads type 4003: samples of three axes in g. The last one counts.
func (m *message) acceleration() {
	r := &m.body
	r.Skip(2) // rate
	count := int(r.U8())
	const size = 3 * 2
	count = min(count, r.Len()/size)
	if count == 0 {
		return
	}
	r.Skip((count - 1) * size)
	text := []byte{'['}
	for axis := range 3 {
		if axis > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendFloat(text, float64(int16(r.U16LE()))*0.015625, 'f', -1, 64)
	}
	m.base.Attributes.SetString("gSensor", string(append(text, ']')))
}
