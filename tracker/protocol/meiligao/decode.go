package meiligao

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

// The commands of a device.
const (
	kindHeartbeat     = 0x0001
	kindServer        = 0x0002
	kindPhotoBegin    = 0x0800
	kindPhotoEnd      = 0x0F80
	kindLogin         = 0x5000
	kindStored        = 0x6688
	kindLogged        = 0x9016
	kindPhotoData     = 0x9988
	kindOBD           = 0x9901
	kindOBDStatistics = 0x9902
	kindDTC           = 0x9903
	kindPosition      = 0x9955
	kindRFID          = 0x9966
	kindPicture       = 0x9977
	kindAlarm         = 0x9999
)

// The commands that answer them.
const (
	replyLogin    = 0x4000
	replyPhoto    = 0x8801
	replyPhotoEnd = 0x6688
)

// report is everything a usual frame points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [28]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
}

// Decode reads a frame.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	if len(frame) < headSize || !bytes.HasPrefix(frame, mark) {
		return data.Packet{}, fmt.Errorf("decode frame: want $$ and at least %d bytes: %w", headSize, data.ErrInvalid)
	}
	id := frame[4 : 4+idSize]
	// An id of F alone says nothing: then it is the device of the connection.
	packet := data.Packet{}
	packet.Identity, packet.Alias = identityOf(id)
	kind := binary.BigEndian.Uint16(frame[headSize-2:])
	content := frame[headSize:]
	if len(content) >= tailSize && bytes.HasSuffix(content, stop) {
		content = content[:len(content)-tailSize]
	}
	var err error
	switch kind {
	case kindLogin:
		packet.Reply = appendFrame(nil, id, replyLogin, []byte{1})
	case kindHeartbeat:
		packet.Reply = appendFrame(nil, id, kindHeartbeat, []byte{1})
	case kindServer:
		if c.server != "" {
			packet.Reply = appendFrame(nil, id, kindServer, []byte(c.server[:min(len(c.server), 64)]))
		}
	case kindPhotoBegin:
		packet.Reply = appendFrame(nil, id, replyPhoto, content[:min(len(content), 1)])
	case kindPhotoData:
		packet.File = c.photoPart(content)
	case kindPhotoEnd:
		if len(content) > 0 {
			packet.Reply = appendFrame(nil, id, replyPhotoEnd, []byte{content[0], 0, 0})
		}
	case kindPosition:
		packet.Positions, err = c.report(content, 0, false)
	case kindPicture:
		packet.Positions, err = c.report(content[min(2, len(content)):], 0, false)
	case kindLogged:
		packet.Positions, err = c.report(content[min(6, len(content)):], 0, true)
	case kindAlarm:
		code, text := alarmCode(content)
		packet.Positions, err = c.report(text, code, false)
	case kindStored:
		packet.Positions, err = c.stored(content)
	case kindRFID:
		packet.Positions, err = cards(content)
	case kindOBD:
		packet.Positions = engine(content)
	case kindOBDStatistics:
		packet.Positions = textReport("obd", protocol.Text(content))
	case kindDTC:
		packet.Positions = textReport("dtcs", protocol.Text(bytes.ReplaceAll(content, []byte(","), []byte(" "))))
	}
	if err != nil {
		return data.Packet{}, fmt.Errorf("decode message 0x%04x: %w", kind, err)
	}
	return packet, nil
}

// photoPart reads a piece of a photo: index of the photo, footage, number of
// pieces, number of this one, content.
func (c *codec) photoPart(content []byte) *data.FilePart {
	const head = 1 + 2 + 1 + 1
	if len(content) <= head {
		return nil
	}
	index, total, number := strconv.Itoa(int(content[0])), int(content[3]), int(content[4])
	from, ok := c.photo.At(index, number)
	if !ok {
		return nil
	}
	return &data.FilePart{
		Kind: data.FileImage, ID: index, From: from, To: from + 1, Last: from+1 >= total, Content: content[head:],
	}
}

// identityOf reads the digits of an id, which an F ends. 14 digits are an IMEI
// without its check digit, or what the device is called: alias.
func identityOf(id []byte) (identity, alias string) {
	digits := make([]byte, 0, 15)
	for _, b := range id {
		high, low := b>>4, b&15
		if high > 9 {
			break
		}
		digits = append(digits, '0'+high)
		if low > 9 {
			break
		}
		digits = append(digits, '0'+low)
	}
	if len(digits) == 14 {
		if check, ok := converters.LuhnDigit(string(digits)); ok {
			identity = string(append(digits, check))
			return identity, identity[:len(digits)]
		}
	}
	return string(digits), ""
}

// alarmCode takes the code of an alarm in front of a position. Some codes are
// digits in ASCII; some frames have none: a time has six digits.
func alarmCode(content []byte) (code byte, text []byte) {
	digits := 0
	for digits < len(content) && content[digits] >= '0' && content[digits] <= '9' {
		digits++
	}
	if digits == 6 || len(content) == 0 {
		return 0, content
	}
	return content[0], content[1:]
}

// report reads one position and its alarm.
func (c *codec) report(text []byte, code byte, archive bool) ([]data.Position, error) {
	out := &report{}
	if err := c.position(text, code, archive, &out.positions[0], out); err != nil {
		return nil, err
	}
	return out.positions[:], nil
}

// stored reads a count, then alarms and positions separated by backslashes.
func (c *codec) stored(content []byte) ([]data.Position, error) {
	if len(content) < 2 {
		return nil, fmt.Errorf("%d bytes hold no position: %w", len(content), data.ErrInvalid)
	}
	var positions []data.Position
	var failed error
	for part := range bytes.SplitSeq(content[1:], []byte(`\`)) {
		if len(part) == 0 {
			continue
		}
		code, text := alarmCode(part)
		out := &report{}
		if err := c.position(text, code, true, &out.positions[0], out); err != nil {
			failed = err
			continue
		}
		positions = append(positions, out.positions[0])
	}
	if len(positions) == 0 {
		return nil, failed
	}
	return positions, nil
}

// cards reads up to 15 card numbers of four bytes, a bar, and a position.
func cards(content []byte) ([]data.Position, error) {
	const size = 15 * 4
	if len(content) < size {
		return nil, fmt.Errorf("%d bytes are too short for the cards: %w", len(content), data.ErrInvalid)
	}
	var f [6][]byte
	n := len(fields.Split(f[:0], bytes.TrimLeft(content[size:], "|"), ','))
	if n < len(f) {
		return nil, fmt.Errorf("%d fields are too few for a position: %w", n, data.ErrInvalid)
	}
	out := &report{}
	p := &out.positions[0]
	*p = data.Position{Protocol: "meiligao", Valid: true, DeviceTime: timestamp(f[1], f[0]), Attributes: out.attributes[:0]}
	latitude, ok1 := fields.Coordinate(f[2], f[3])
	longitude, ok2 := fields.Coordinate(f[4], bytes.TrimSpace(f[5]))
	if p.DeviceTime.IsZero() || !ok1 || !ok2 {
		return nil, fmt.Errorf("time or place is unreadable: %w", data.ErrInvalid)
	}
	setPlace(p, latitude, longitude)
	card := 0
	for i := 0; i < size; i += 4 {
		v := binary.BigEndian.Uint32(content[i:])
		if v == 0 {
			continue
		}
		text := fmt.Sprintf("%010d", v)
		if card++; card == 1 {
			p.Attributes.SetString("driverUniqueId", text)
			p.Attributes.SetString("card", text)
			continue
		}
		p.Attributes.SetString(fmt.Sprintf("card%d", card), text)
	}
	return out.positions[:], nil
}

// engine reads the numbers of OBD.
func engine(content []byte) []data.Position {
	var f [20][]byte
	values := fields.Split(f[:0], content, ',')
	for len(values) > 0 { // a name may come first
		if _, ok := fields.Number(values[0]); ok {
			break
		}
		values = values[1:]
	}
	p := data.Position{Protocol: "meiligao", Outdated: true}
	for i, name := range [...]string{
		"battery", "rpm", "obdSpeed", "throttle", "engineLoad", "coolantTemp", "fuelConsumption", "averageFuelConsumption", "range",
		"obdOdometer", "tripFuelUsed", "fuelUsed", "dtcCount", "hardAccelerationCount", "hardBrakingCount",
	} {
		if i >= len(values) {
			break
		}
		v, ok := fields.Number(values[i])
		if ok && v == float64(int64(v)) && bytes.IndexByte(values[i], '.') < 0 {
			p.Attributes.SetInt(name, int64(v))
		} else if ok {
			p.Attributes.SetFloat(name, v)
		}
	}
	if len(p.Attributes) == 0 {
		return nil
	}
	return []data.Position{p}
}

func textReport(name, text string) []data.Position {
	if text == "" {
		return nil
	}
	p := data.Position{Protocol: "meiligao", Outdated: true}
	p.Attributes.SetString(name, text)
	return []data.Position{p}
}
