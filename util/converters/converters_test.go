package converters

import (
	"math"
	"testing"
)

func TestSpeeds(t *testing.T) {
	for _, c := range []struct{ have, want float64 }{
		{KnotsFromKmh(1.852), 1},
		{KmhFromKnots(10), 18.52},
		{KnotsFromMps(1852.0 / 3600), 1},
		{MpsFromKnots(3600), 1852},
		{KnotsFromMps(18.67), 36.2915766738661},
	} {
		if math.Abs(c.have-c.want) > 1e-9 {
			t.Errorf("have %v, want %v", c.have, c.want)
		}
	}
}

func TestClamp(t *testing.T) {
	for _, c := range []struct {
		v         float64
		low, high int64
		want      int64
	}{
		{2.5, 0, 10, 3}, {-1, 0, 10, 0}, {99, 0, 10, 10}, {math.NaN(), 0, 10, 0}, {math.Inf(1), 0, 10, 10}, {-2.5, -9, 9, -3},
	} {
		if have := Clamp(c.v, c.low, c.high); have != c.want {
			t.Errorf("Clamp(%v, %d, %d) = %d, want %d", c.v, c.low, c.high, have, c.want)
		}
	}
}

func TestLuhnDigit(t *testing.T) {
	for number, want := range map[string]byte{"49015420323751": '8', "7992739871": '3', "": '0'} {
		if have, ok := LuhnDigit(number); have != want || !ok {
			t.Errorf("LuhnDigit(%q) = %c, %t, want %c", number, have, ok, want)
		}
	}
	if _, ok := LuhnDigit("12a"); ok {
		t.Error("a letter was taken for a digit")
	}
}

func TestBCD(t *testing.T) {
	if n, ok := FromBCD(0x59); n != 59 || !ok {
		t.Errorf("FromBCD(0x59) = %d, %t", n, ok)
	}
	for _, b := range []byte{0x5A, 0xA5} {
		if _, ok := FromBCD(b); ok {
			t.Errorf("%#x was taken for decimal", b)
		}
	}
	packed := AppendBCD(nil, "123456789012345", 8)
	if have := BCDDigits(packed); have != "0123456789012345" {
		t.Errorf("digits %q", have)
	}
	if have := BCDDigits([]byte{0x12, 0x3F}); have != "123" {
		t.Errorf("filler: %q", have)
	}
	if have := BCDDigits(AppendBCD(nil, "1x34567", 2)); have != "4567" {
		t.Errorf("too long: %q", have)
	}
}

// The catalogue gives the checksum of the text 123456789 for each algorithm.
func TestCRC(t *testing.T) {
	check := []byte("123456789")
	for name, c := range map[string]struct{ have, want uint16 }{
		"IBM-SDLC": {CRC16X25(check), 0x906E},
		"KERMIT":   {CRC16Kermit(check), 0x2189},
		"ARC":      {CRC16ARC(check), 0xBB3D},
		"MODBUS":   {CRC16Modbus(check), 0x4B37},
		"IBM-3740": {CRC16CCITTFalse(check), 0x29B1},
		"XMODEM":   {CRC16XMODEM(check), 0x31C3},
		"NRSC-5":   {uint16(CRC8NRSC5(check)), 0xF7},
		"in parts": {UpdateCCITTFalse(UpdateCCITTFalse(StartCCITTFalse, check[:4]), check[4:]), 0x29B1},
		"XOR":      {uint16(XOR8(check)), 0x31},
	} {
		if c.have != c.want {
			t.Errorf("%s: %#04x, want %#04x", name, c.have, c.want)
		}
	}
}

func TestReader(t *testing.T) {
	r := NewReader([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	if r.U8() != 1 || r.U16() != 0x0203 || r.U24() != 0x040506 || r.U32() != 0x0708090A || r.U64() != 0x0B0C0D0E0F101112 {
		t.Error("wrong numbers")
	}
	if r.Len() != 1 || !r.OK() || string(r.Rest()) != "\x13" {
		t.Errorf("%d left, ok %t", r.Len(), r.OK())
	}
	if r.U32() != 0 || r.OK() || r.Len() != 0 {
		t.Error("read past the end")
	}
	for _, read := range []func(*Reader){
		func(r *Reader) { r.U8() }, func(r *Reader) { r.U16() }, func(r *Reader) { r.U64() },
		func(r *Reader) { r.Uint(3) }, func(r *Reader) { r.Bytes(-1) }, func(r *Reader) { r.Skip(1 << 40) },
	} {
		r := NewReader(nil)
		if read(&r); r.OK() {
			t.Error("an empty reader gave something")
		}
	}
}

func TestReaderLittleEndian(t *testing.T) {
	r := NewReader([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	if r.U16LE() != 0x0201 || r.U24LE() != 0x050403 || r.U32LE() != 0x09080706 || r.UintLE(2) != 0x0B0A || r.UintLE(8) != 0x131211100F0E0D0C {
		t.Error("wrong numbers")
	}
	if !r.OK() || r.UintLE(1) != 0 || r.OK() {
		t.Error("read past the end")
	}
	for _, read := range []func(*Reader) uint64{
		func(r *Reader) uint64 { return uint64(r.U16LE()) }, func(r *Reader) uint64 { return uint64(r.U24LE()) },
		func(r *Reader) uint64 { return uint64(r.U32LE()) }, func(r *Reader) uint64 { return r.UintLE(8) },
	} {
		r := NewReader([]byte{0xFF})
		if v := read(&r); v != 0 || r.OK() {
			t.Errorf("a reader of one byte gave %#x", v)
		}
	}
}

func TestMACText(t *testing.T) {
	if have := MACText([]byte{0, 0x1A, 0xFF, 3, 4, 5}); have != "00:1a:ff:03:04:05" {
		t.Error(have)
	}
	if have := MACText(nil); have != "" {
		t.Error(have)
	}
}

func TestSignExtend(t *testing.T) {
	for _, c := range []struct {
		v    uint64
		size int
		want int64
	}{
		{0xFF, 1, -1}, {0x7F, 1, 127}, {0xFB5D, 2, -1187}, {0xFFFFFFFE, 4, -2}, {math.MaxUint64, 8, -1},
	} {
		if have := SignExtend(c.v, c.size); have != c.want {
			t.Errorf("SignExtend(%#x, %d) = %d, want %d", c.v, c.size, have, c.want)
		}
	}
}
