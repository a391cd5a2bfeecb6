package atrack

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// report is everything a usual message points to, so that it costs one
// allocation beside its id.
type report struct {
	positions  [1]data.Position
	attributes [14]data.Attribute
	reply      [keepAliveSize]byte
}

// next adds a position to a packet, the first one in the room of the report.
func (out *report) next(packet *data.Packet) *data.Position {
	p := data.Position{Protocol: "atrack"}
	if packet.Positions == nil {
		packet.Positions = out.positions[:0]
		p.Attributes = out.attributes[:0]
	} else {
		p.Attributes = make(data.Attributes, 0, len(out.attributes))
	}
	packet.Positions = append(packet.Positions, p)
	return &packet.Positions[len(packet.Positions)-1]
}

// noTemperature is what a sensor that is not there reads.
const noTemperature = 2000

// Decode reads one message.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	switch {
	case len(frame) >= keepAliveSize && frame[0] == 0xFE && frame[1] == 0x02:
		unit := binary.BigEndian.Uint64(frame[2:])
		reply := append(make([]byte, 0, keepAliveSize), frame[:keepAliveSize]...)
		return data.Packet{Identity: strconv.FormatUint(unit, 10), Reply: reply}, nil
	case len(frame) > 1 && frame[0] == '$':
		return decodeLine(protocol.Text(frame))
	case isText(frame):
		return c.decodeText(protocol.Text(frame))
	case len(frame) >= binaryHeader+binaryFixed && frame[0] == '@':
		return c.decodeBinary(frame)
	}
	return data.Packet{}, fmt.Errorf("decode message of %d bytes: want @P, FE02 or a dollar: %w", len(frame), data.ErrInvalid)
}

// appendReply appends the answer to a message.
func appendReply(b []byte, unit uint64, number uint16) []byte {
	b = append(b, 0xFE, 0x02)
	b = binary.BigEndian.AppendUint64(b, unit)
	return binary.BigEndian.AppendUint16(b, number)
}

// pictureOf reads a piece of a picture: time, number from 0, number of pieces,
// size, content.
func pictureOf(r *converters.Reader) *data.FilePart {
	seconds, number, total := r.U32(), int(r.U8()), int(r.U8())
	content := r.Bytes(int(r.U16()))
	if !r.OK() || number >= total {
		return nil
	}
	return &data.FilePart{
		Kind: data.FileImage, ID: strconv.FormatUint(uint64(seconds), 10), Time: protocol.UnixMilli(int64(seconds) * 1000),
		From: number, To: number + 1, Last: number+1 == total, Content: content,
	}
}

// decodeBinary reads a binary message: a piece of a picture, or records.
func (c *codec) decodeBinary(frame []byte) (data.Packet, error) {
	r := converters.NewReader(frame)
	r.Skip(2 + 2)
	length := int(r.U16())
	if length >= binaryFixed && length < r.Len() {
		r = converters.NewReader(frame[binaryHeader : binaryHeader+length])
	}
	number, unit := r.U16(), r.U64()
	out := &report{}
	packet := data.Packet{
		Identity: strconv.FormatUint(unit, 10),
		Reply:    appendReply(out.reply[:0], unit, number),
	}
	if frame[1] == 'R' {
		packet.File = pictureOf(&r)
		return packet, nil
	}
	rec := record{codec: c, r: r}
	for rec.r.OK() && rec.r.Len() >= rec.leastSize() {
		rec.at = out.next(&packet)
		if rec.read(); !rec.complete {
			packet.Positions = packet.Positions[:len(packet.Positions)-1]
		}
	}
	if len(packet.Positions) == 0 {
		return data.Packet{}, fmt.Errorf("decode message of %d bytes: no whole record: %w", len(frame), data.ErrInvalid)
	}
	return packet, nil
}

// record reads the records of a binary message.
type record struct {
	*codec
	r  converters.Reader
	at *data.Position
	// complete says that the usual fields of the last record were there.
	complete bool
}

func (rec *record) timeSize() int {
	if rec.longDate {
		return 7
	}
	return 4
}

// leastSize is the size of a record without texts.
func (rec *record) leastSize() int {
	return 3*rec.timeSize() + 4 + 4 + 2 + 1 + 4 + 2 + 1 + 2 + 1 + 2 + 1 + 2 + 2 + 1
}

func (rec *record) time() time.Time {
	r := &rec.r
	if rec.longDate {
		return protocol.Date(int(r.U16()), int(r.U8()), int(r.U8()), int(r.U8()), int(r.U8()), int(r.U8()))
	}
	return protocol.UnixMilli(int64(r.U32()) * 1000)
}

func (rec *record) read() {
	r, at := &rec.r, rec.at
	a := &at.Attributes
	rec.complete = false
	fixTime := rec.time()
	clock := rec.time()
	r.Skip(rec.timeSize()) // time of sending
	longitude, latitude := float64(int32(r.U32()))/1e6, float64(int32(r.U32()))/1e6
	place(at, fixTime, clock, latitude, longitude)
	at.CourseDeg = protocol.Course(float64(r.U16()))
	a.SetInt("type", int64(r.U8()))
	a.SetInt("odometer", int64(r.U32())*100)
	a.SetFloat("hdop", float64(r.U16())/10)
	a.SetInt("input", int64(r.U8()))
	at.SpeedKnots = converters.KnotsFromKmh(float64(r.U16()))
	a.SetInt("output", int64(r.U8()))
	a.SetFloat("adc1", float64(r.U16())/1000)
	a.SetString("driverUniqueId", rec.text())
	for _, name := range [...]string{"temp1", "temp2"} {
		if v := int16(r.U16()); v != noTemperature {
			a.SetFloat(name, float64(v)/10)
		}
	}
	message(a, rec.text())
	if rec.complete = r.OK(); !rec.complete {
		return
	}
	form := rec.form
	if rest := r.Rest(); len(rest) >= 3 && string(rest[:3]) == "%CI" {
		form = rec.text()
	} else if !rec.custom {
		return
	}
	rec.fields(form)
}

// text reads a text that ends with a zero.
func (rec *record) text() string {
	rest := rec.r.Rest()
	for i, b := range rest {
		if b == 0 {
			rec.r.Skip(i + 1)
			return protocol.Text(rest[:i])
		}
	}
	rec.r.Skip(len(rest) + 1) // it never ends
	return ""
}

// place puts a place into p. Every fix counts as valid, except the coordinates
// of a device that has had none.
func place(p *data.Position, fixTime, clock time.Time, latitude, longitude float64) {
	p.Valid = latitude != 0 || longitude != 0
	if p.DeviceTime = clock; clock.IsZero() {
		p.DeviceTime = fixTime
	}
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = fixTime
	}
}

// message sets the text message of a report. "FULS:F=.. t=.. N=<hex>" is what a
// fuel sensor says, in tenths.
func message(a *data.Attributes, text string) {
	if strings.HasPrefix(text, "FULS:") {
		if _, level, ok := strings.Cut(text, "N="); ok {
			if i := strings.IndexFunc(level, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) }); i >= 0 {
				level = level[:i]
			}
			if n, err := strconv.ParseUint(level, 16, 32); err == nil {
				a.SetFloat("fuel", float64(n)/10)
				return
			}
		}
	}
	a.SetString("message", text)
}
