package suntech

import (
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// serial reads what a device at the serial port says: a length, text that may
// have semicolons, a checksum.
func (r *report) serial(f *fields) {
	length, ok := f.integer(10)
	if !ok {
		return
	}
	var s serialReader
	s.a = &r.at().Attributes
	for left := int(min(length, maxFrame)); left > 0 && !f.done; {
		part := f.next()
		left -= len(part) + 1
		s.part(clean(part))
	}
	f.next() // checksum
	s.a.SetString("serial", strings.Join(s.others, ";"))
	if s.fuels > 0 {
		s.a.SetFloat("fuel", s.fuel)
	}
}

type serialReader struct {
	a      *data.Attributes
	fuel   float64
	fuels  int
	others []string
}

func (s *serialReader) part(text string) {
	key, value, assigned := strings.Cut(text, "=")
	kind, number, numbered := strings.Cut(key, "_")
	switch {
	case text == "":
	case strings.HasPrefix(text, "CabAVL"):
		s.cab(text)
	case strings.HasPrefix(text, "GTSL|"):
		if parts := strings.SplitN(text, "|", 6); len(parts) > 4 {
			s.a.SetString("driverUniqueId", clean(parts[4]))
		}
	case assigned && key == "Q_D":
		s.a.SetString("drivingQuality", value)
	case assigned && numbered && (kind == "t" || kind == "N") && isDigits(number):
		// Hexadecimal, what follows a point does not count.
		digits, _, _ := strings.Cut(value, ".")
		v, err := strconv.ParseUint(digits, 16, 32)
		switch {
		case err != nil:
		case kind == "t":
			s.a.SetInt("temp"+number, int64(v))
		default:
			s.addFuel("fuel"+number, float64(v))
		}
	default:
		s.others = append(s.others, text)
	}
}

func isDigits(s string) bool {
	return s != "" && len(s) <= 2 && strings.Trim(s, "0123456789") == ""
}

// cab reads CabAVL"CabMensaje,n,fuel,fuel,..: a level of 0 or less is none.
func (s *serialReader) cab(text string) {
	parts := strings.SplitN(text, ",", 5)
	for i, key := range [...]string{"fuel1", "fuel2"} {
		if len(parts) <= 2+i {
			break
		}
		if v, ok := number(parts[2+i]); ok && v > 0 {
			s.addFuel(key, v)
		}
	}
}

func (s *serialReader) addFuel(key string, v float64) {
	s.a.SetFloat(key, v)
	s.fuel += v
	s.fuels++
}
