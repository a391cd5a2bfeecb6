package gt06

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

func decimal(v uint64) string { return strconv.FormatUint(v, 10) }

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// fromHexText reads up to 32 bits written in hex digits.
func fromHexText(b []byte) (v int64, ok bool) {
	u, err := strconv.ParseUint(string(b), 16, 32)
	return int64(u), err == nil
}

func isPrintable(b []byte) bool {
	for _, c := range b {
		if (c < ' ' && c != '\r' && c != '\n') || c > '~' {
			return false
		}
	}
	return true
}

// printable returns text, or bytes that are no text in hex.
func printable(b []byte) string {
	if !isPrintable(b) {
		return hex.EncodeToString(b)
	}
	return protocol.Text(b)
}

// text reads type 0x15, the answer to a command: length, four bytes of the
// server's, text. Some devices leave the length 0 and fill up with zeros.
func (m *message) text() bool {
	m.answer = answerNone
	r := &m.body
	length := int(r.U8())
	r.Skip(4)
	if !r.OK() {
		return false
	}
	text := r.Rest()
	if n := length - 4; n > 0 && n < len(text) {
		text = text[:n]
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	m.result(protocol.Text(text))
	return true
}

// encodedText reads type 0x21: four bytes of the server's, encoding (1 ASCII,
// 2 UTF-16), text.
func (m *message) encodedText() bool {
	m.answer = answerNone
	r := &m.body
	r.Skip(4)
	encoding := r.U8()
	if !r.OK() {
		return false
	}
	text := r.Rest()
	if encoding == 2 {
		units := make([]uint16, len(text)/2)
		for i := range units {
			units[i] = uint16(text[2*i])<<8 | uint16(text[2*i+1])
		}
		text = []byte(string(utf16.Decode(units)))
	}
	m.result(protocol.Text(text))
	return true
}

// result stores the answer to a command, "<ICCID:...>" as what it is.
func (m *message) result(text string) {
	if id, ok := strings.CutPrefix(text, "<ICCID:"); ok {
		if id, _, ok = strings.Cut(id, ">"); ok {
			m.at.Attributes.SetString("iccid", id)
			return
		}
	}
	m.at.Attributes.SetString("result", text)
}

// info reads the long type 0x94, which has types of its own.
func (m *message) info() bool {
	r, a := &m.body, &m.at.Attributes
	switch r.U8() {
	case 0x00:
		return m.number("adc1", 2, 100)
	case 0x04:
		return m.infoPairs(r.Rest())
	case 0x05:
		if r.Len() >= 6+1 {
			m.at.DeviceTime = m.date()
		}
		flags := r.U8()
		a.SetBool("door", flags&1 != 0)
		a.SetBool("io1", flags&4 != 0)
		return r.OK()
	case 0x0A:
		r.Skip(8 + 8) // IMEI, IMSI
		a.SetString("iccid", converters.BCDDigits(r.Bytes(10)))
		return r.OK()
	case 0x0B:
		if r.Len() == 2 {
			return m.number("power", 2, 100)
		}
		technology := "2G"
		if r.U8() > 0 {
			technology = "4G"
		}
		a.SetString("networkTechnology", technology)
		return r.OK()
	case 0x0D:
		if rest := r.Rest(); len(rest) > 6 && rest[0] != '!' {
			m.at.DeviceTime = m.date()
		}
		a.SetString("fuelSensor", printable(r.Rest()))
		return r.Len() > 0
	case 0x1B:
		a.SetString("serial", printable(r.Rest()))
		return r.Len() > 0
	case 0x1E:
		temperature, humidity := int32(r.U32()), r.U32()
		a.SetFloat("temp1", float64(temperature)/10)
		a.SetFloat("humidity", float64(humidity)/10)
		return r.OK()
	}
	return false
}

// infoPairs reads "ALM1=C4;STA1=C0;DYD=01", flags in hex, under their own
// names in lower case.
func (m *message) infoPairs(text []byte) bool {
	found := false
	for pair := range bytes.SplitSeq(text, []byte{';'}) {
		key, value, _ := bytes.Cut(bytes.TrimSpace(pair), []byte{'='})
		v, ok := fromHexText(value)
		if name := strings.ToLower(string(key)); ok && infoName(name) {
			m.at.Attributes.SetInt(name, v)
			found = true
		}
	}
	return found
}

// infoName tells whether a name is one of the flags: alm1, sta1, dyd.
func infoName(name string) bool {
	return len(name) <= 4 && (strings.HasPrefix(name, "alm") || strings.HasPrefix(name, "sta") || name == "dyd") && isPrintable([]byte(name))
}

// serialPort reads type 0x9B: what kind of device spoke on the serial port, and
// its words.
func (m *message) serialPort() bool {
	m.body.Skip(1)
	m.at.Attributes.SetString("result", printable(m.body.Rest()))
	return m.body.OK()
}

// obd reads type 0x8C: pairs "id=value" of hex digits, the value a number. What
// stands around the text is not known, so they are looked for.
func (m *message) obd() bool {
	b := m.body.Rest()
	found := false
	for i, c := range b {
		if c != '=' {
			continue
		}
		from, to := i, i+1
		for from > 0 && isHex(b[from-1]) {
			from--
		}
		for to < len(b) && isHex(b[to]) {
			to++
		}
		v, ok := fromHexText(b[i+1 : to])
		if ok && from < i && i-from <= 8 {
			m.at.Attributes.SetInt("io"+protocol.Text(b[from:i]), v)
			found = true
		}
	}
	return found
}
