package galileo

import (
	"encoding/binary"
	"strconv"

	"github.com/waymark-gps/waymark/data"
)

// The tags with a reading of their own.
const (
	tagHardware     = 0x01
	tagFirmware     = 0x02
	tagIMEI         = 0x03
	tagDevice       = 0x04
	tagIndex        = 0x10
	tagTime         = 0x20
	tagPlace        = 0x30
	tagSpeed        = 0x33
	tagAltitude     = 0x34
	tagFuel3        = 0x63
	tagFuel15       = 0x6F
	tagTemp0        = 0x70
	tagTemp7        = 0x77
	tagCAN          = 0xC1
	tagCommand      = 0xE0
	tagResult       = 0xE1
	tagUserArray    = 0xEA
	tagExtendedTags = 0xFE
)

// A value of variable size: its length comes first, in one or two bytes.
const (
	sizeByte = -1
	sizeWord = -2
)

// tag is what is known of a tag. A tag without a size does not exist.
type tag struct {
	size int8
	// name is the attribute; empty: read by decode.go, or left out.
	name   string
	signed bool
	// per is what numbers are divided by, 0 for integers.
	per float64
}

var tags = func() (t [256]tag) {
	run := func(first, last int, size int8, name string, number int) {
		for id := first; id <= last; id++ {
			t[id] = tag{size: size}
			switch {
			case name == "io":
				t[id].name = "io" + strconv.Itoa(id)
			case name != "":
				t[id].name = name + strconv.Itoa(number+id-first)
			}
		}
	}
	t[tagHardware] = tag{size: 1, name: "versionHw"}
	t[tagFirmware] = tag{size: 1, name: "versionFw"}
	t[tagIMEI] = tag{size: 15}
	t[tagDevice] = tag{size: 2, name: "deviceId"}
	t[tagIndex] = tag{size: 2, name: "index"}
	t[tagTime] = tag{size: 4}
	t[tagPlace] = tag{size: 9}
	t[tagSpeed] = tag{size: 4}
	t[tagAltitude] = tag{size: 2}
	t[0x35] = tag{size: 1, name: "hdop", per: 10}
	t[0x40] = tag{size: 2, name: "status"}
	t[0x41] = tag{size: 2, name: "power", per: 1000}
	t[0x42] = tag{size: 2, name: "battery", per: 1000}
	t[0x43] = tag{size: 1, name: "deviceTemp", signed: true}
	t[0x44] = tag{size: 4, name: "acceleration"}
	t[0x45] = tag{size: 2, name: "output"}
	t[0x46] = tag{size: 2, name: "input"}
	run(0x47, 0x47, 4, "io", 0) // eco driving
	run(0x48, 0x48, 2, "io", 0) // extended status
	run(0x50, 0x57, 2, "adc", 0)
	run(0x58, 0x59, 2, "io", 0) // RS232
	run(0x5A, 0x5A, 4, "", 0)
	run(0x5B, 0x5B, 7, "", 0)
	run(0x5C, 0x5C, 68, "", 0)
	run(0x5D, 0x5D, 3, "", 0)
	run(0x60, 0x62, 2, "fuel", 0)
	run(tagFuel3, tagFuel15, 3, "fuel", 3)
	run(tagTemp0, tagTemp7, 2, "temp", 0)
	run(0x80, 0x87, 3, "io", 0) // temperature and humidity, DS1923
	run(0x88, 0x8C, 1, "io", 0) // temperatures of fuel sensors
	t[0x90] = tag{size: 4, name: "driverUniqueId"}
	run(0xA0, 0xAF, 1, "can8BitR", 15)
	run(0xB0, 0xB9, 2, "can16BitR", 5)
	t[0xC0] = tag{size: 4, name: "fuelTotal", per: 2}
	t[tagCAN] = tag{size: 4}
	run(0xC2, 0xC3, 4, "canB", 0)
	run(0xC4, 0xD2, 1, "can8BitR", 0)
	run(0xD3, 0xD3, 4, "io", 0) // the second iButton
	t[0xD4] = tag{size: 4, name: "odometer"}
	run(0xD5, 0xD5, 1, "io", 0)
	run(0xD6, 0xDA, 2, "can16BitR", 0)
	run(0xDB, 0xDF, 4, "can32BitR", 0)
	t[tagCommand] = tag{size: 4}
	t[tagResult] = tag{size: sizeByte}
	run(0xE2, 0xE9, 4, "userData", 0)
	t[tagUserArray] = tag{size: sizeByte}
	run(0xF0, 0xF9, 4, "can32BitR", 5)
	run(0xFA, 0xFA, 3, "", 0)
	run(0xFD, 0xFD, 8, "", 0)
	t[tagExtendedTags] = tag{size: sizeWord}
	for id := 0x88; id <= 0x8C; id++ {
		t[id].signed = true
	}
	return t
}()

// take takes the value of a tag from the front of b. ok is false if the tag is
// not known, which leaves the rest unreadable, or b too short.
func take(id byte, b []byte) (value, rest []byte, ok bool) {
	size, skip := int(tags[id].size), 0
	switch {
	case size == 0:
		return nil, nil, false
	case size == sizeByte && len(b) > 0:
		size, skip = int(b[0]), 1
	case size == sizeWord && len(b) > 1:
		size, skip = int(binary.LittleEndian.Uint16(b)), 2
	}
	if size < 0 || skip+size > len(b) {
		return nil, nil, false
	}
	return b[skip : skip+size], b[skip+size:], true
}

// value reads the little endian number of a tag.
func (t *tag) value(b []byte) data.Value {
	v := int64(0)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	if t.signed && len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		v -= 1 << (8 * len(b))
	}
	if t.per != 0 {
		return data.Float(float64(v) / t.per)
	}
	return data.Int(v)
}
