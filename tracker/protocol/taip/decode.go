package taip

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// Decode reads one message: a type of three letters and its data, then fields
// behind semicolons.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	line := protocol.Text(frame)
	line = strings.TrimPrefix(line, ">")
	line, _, _ = strings.Cut(line, "<")
	content, options, _ := strings.Cut(line, ";")
	if len(content) < 3 {
		return data.Packet{}, fmt.Errorf("decode message %.20q: no type of three letters: %w", line, data.ErrInvalid)
	}
	m := message{now: now, at: data.Position{Protocol: "taip"}}
	m.at.Attributes = make(data.Attributes, 0, fewAttributes)
	m.options(options)
	if m.id == "" {
		return data.Packet{}, fmt.Errorf("decode message %.20q: no ;ID= in it, set the device to send it: %w", line, protocol.ErrNoIdentity)
	}
	packet := data.Packet{Identity: m.id, Reply: c.reply(&m)}
	if m.read(content) {
		m.attributes(options)
		packet.Positions = []data.Position{m.at}
	}
	return packet, nil
}

// fewAttributes is room for the attributes of an ordinary message.
const fewAttributes = 12

// message is what is read of one message.
type message struct {
	now time.Time
	at  data.Position
	id  string
	// number is the message number with its #, "" if there is none.
	number string
	// numberFirst says that the number stood before the id.
	numberFirst bool
}

// options finds the fields that the answer needs.
func (m *message) options(s string) {
	for s != "" {
		var field string
		field, s, _ = strings.Cut(s, ";")
		switch {
		case strings.HasPrefix(field, "ID="):
			m.id = strings.TrimSpace(field[len("ID="):])
		case strings.HasPrefix(field, "#") && m.number == "":
			m.number, m.numberFirst = strings.TrimSpace(field), m.id == ""
		}
	}
}

// Room for an answer; longer names can not be answered.
const maxReply = 256

// reply acknowledges a message: by its number, in the order in which number and
// id came, or by the bare id.
func (c *codec) reply(m *message) []byte {
	if len(m.id)+len(m.number) > maxReply {
		return nil
	}
	if m.number == "" {
		return []byte(m.id)
	}
	b := make([]byte, 0, 32+len(m.id)+len(m.number))
	if strings.HasPrefix(m.number, "#IP") {
		b = append(append(b, ">SAK;ID="...), m.id...)
		b = append(append(b, ';'), m.number...)
		return append(b, end)
	}
	b = append(b, ">ACK;"...)
	if m.numberFirst {
		b = append(append(b, m.number...), ";ID="...)
		b = append(b, m.id...)
	} else {
		b = append(append(b, "ID="...), m.id...)
		b = append(append(b, ';'), m.number...)
	}
	b = append(b, ";*"...)
	sum := converters.XOR8(b)
	if c.lantrix {
		sum ^= '*'
	}
	return append(b, hexDigits[sum>>4], hexDigits[sum&15], end)
}

const hexDigits = "0123456789ABCDEF"

// attributes reads the fields behind the data.
func (m *message) attributes(s string) {
	a := &m.at.Attributes
	for s != "" {
		var field string
		field, s, _ = strings.Cut(s, ";")
		key, value, ok := strings.Cut(field, "=")
		value = strings.TrimSpace(value)
		if !ok || key == "" || value == "" {
			continue
		}
		v, isNumber := number(value)
		switch {
		case key == "ID":
		case key == "IO" && len(value) == 3:
			if first := hexValue(value[:1]); first >= 0 {
				a.SetBool("ignition", first&1 != 0)
				a.SetBool("charge", first&2 != 0)
			}
			setHex(a, "output", value[1:2])
			setHex(a, "input", value[2:3])
		case key == "IX" && isNumber:
			a.SetInt("io1", v)
		case key == "AD" && isNumber:
			a.SetInt("adc1", v)
		case key == "SV" && isNumber:
			a.SetInt("sat", v)
		case key == "BL" && isNumber:
			a.SetFloat("battery", float64(v)/1000)
		case key == "VO" && isNumber:
			a.SetInt("odometer", v)
		default:
			a.SetString(strings.ToLower(key), value)
		}
	}
}
