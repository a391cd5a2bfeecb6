package watch

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// report is everything a message points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [8]data.Attribute
	network    data.Network
}

// Decode reads one message, its escapes undone.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	h, ok := readHeader(frame)
	if !ok || h.size > maxHeader { // answers repeat it
		return data.Packet{}, fmt.Errorf("decode message: %.30q is no maker, id and length: %w", frame, data.ErrInvalid)
	}
	if c.indexed = len(h.index) > 0; c.maker != string(h.maker) {
		c.maker = string(h.maker)
	}
	content := bytes.TrimSuffix(frame[h.size:], []byte{closing})
	kind, rest, _ := bytes.Cut(content, []byte(","))
	packet := data.Packet{Identity: protocol.Text(h.id)}
	name := string(kind)
	if answer := answerTo(name, rest); answer != "" {
		packet.Reply = appendMessage(make([]byte, 0, 64), string(h.maker), packet.Identity, string(h.index), []byte(answer))
	}
	r := &report{}
	p := &r.positions[0]
	p.Protocol, p.Outdated, p.Attributes = "watch", true, r.attributes[:0]
	if len(rest) == 0 && packet.Reply != nil {
		return packet, nil // a message that only wants its answer
	}
	if isPosition(name) {
		if err := r.position(name, string(rest)); err != nil {
			return data.Packet{}, fmt.Errorf("decode %.20q: %w", name, err)
		}
	} else if isText(name) {
		vitals(p, strings.ToUpper(name), &fields{rest: string(rest)})
	} else {
		packet.File = c.file(name, rest)
	}
	if !p.Outdated || len(p.Attributes) > 0 || p.Network != nil {
		packet.Positions = r.positions[:]
	}
	return packet, nil
}

// answerTo is the content of the answer to a message, "" if it gets none.
func answerTo(kind string, rest []byte) string {
	switch {
	case kind == "INIT":
		return "INIT,1"
	case kind == "LK", kind == "TKQ", kind == "TKQ2":
		return kind
	case kind == "AL", strings.HasPrefix(kind, "AL_"):
		return "AL"
	case (kind == "TK" || kind == "TK2") && len(rest) > 1:
		return "TK,1" // a single byte is the watch's own answer
	case kind == "JXTK":
		return "JXTKR,1"
	}
	return ""
}

// isPosition tells whether a type is UD, AL or WT, of any network.
func isPosition(kind string) bool {
	return strings.HasPrefix(kind, "UD") || strings.HasPrefix(kind, "AL") || kind == "WT"
}

// isText tells whether a type is not one with binary content.
func isText(kind string) bool {
	switch kind {
	case "TK", "TK2", "JXTK", "img":
		return false
	}
	return true
}

// vitals reads what a watch measures at the body of its wearer.
func vitals(p *data.Position, kind string, f *fields) {
	a := &p.Attributes
	switch kind {
	case "LK":
		steps, hasSteps := f.integer()
		f.next() // tumbles
		if level, ok := f.integer(); ok {
			if hasSteps {
				a.SetInt("steps", steps)
			}
			a.SetInt("batteryLevel", level)
		}
	case "HEART", "PULSE":
		heartRate(p, f)
	case "BPHRT", "BLOOD":
		a.SetString("pressureHigh", protocol.Text([]byte(f.next())))
		a.SetString("pressureLow", protocol.Text([]byte(f.next())))
		heartRate(p, f)
	case "TEMP":
		temperature(p, f)
	case "BTEMP2":
		if measured, ok := f.integer(); ok && measured > 0 {
			temperature(p, f)
		}
	case "OXYGEN":
		f.next()
		if v, ok := f.number(); ok {
			a.SetFloat("bloodOxygen", v)
		}
	}
}

func heartRate(p *data.Position, f *fields) {
	if v, ok := f.integer(); ok {
		p.Attributes.SetInt("heartRate", v)
	}
}

func temperature(p *data.Position, f *fields) {
	if v, ok := f.number(); ok {
		p.Attributes.SetFloat("temp1", v)
	}
}

// appendMessage appends a message of the server; index is "" if the device
// sends none. The length counts the content before its bytes are escaped.
func appendMessage(b []byte, maker, id, index string, content []byte) []byte {
	b = append(append(append(b, opening), maker...), '*')
	b = append(append(b, id...), '*')
	if index != "" {
		b = append(append(b, index...), '*')
	}
	const digits = "0123456789abcdef"
	for shift := 12; shift >= 0; shift -= 4 {
		b = append(b, digits[len(content)>>shift&15])
	}
	b = append(append(b, '*'), content...)
	return append(b, closing)
}
