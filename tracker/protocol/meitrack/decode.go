package meitrack

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// report is everything a usual message points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [20]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
	signal     int
}

// maxIdentity bounds an identity, which answers repeat; an IMEI has 15 digits.
const maxIdentity = 20

// Decode reads a message, with or without its stop.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	first := bytes.IndexByte(frame, ',')
	if !bytes.HasPrefix(frame, mark) || first < 3 {
		return data.Packet{}, fmt.Errorf("decode message: want $$<flag><length>,<id>,<command>: %w", data.ErrInvalid)
	}
	id, rest, _ := bytes.Cut(frame[first+1:], []byte(","))
	packet := data.Packet{Identity: protocol.Text(id)}
	if packet.Identity == "" || len(packet.Identity) > maxIdentity {
		return data.Packet{}, fmt.Errorf("decode message: %w", protocol.ErrNoIdentity)
	}
	if len(rest) < 3 {
		return data.Packet{}, fmt.Errorf("decode message: no command: %w", data.ErrInvalid)
	}
	flag, kind := frame[2], rest[:3]
	if star := bytes.LastIndexByte(rest, '*'); star >= 3 {
		rest = rest[:star]
	}
	content := rest[3:]
	if len(content) > 0 && content[0] == ',' {
		content = content[1:]
	}
	var err error
	switch string(kind) {
	case "AAC":
		packet.Reply = appendMessage(nil, 'z', packet.Identity, "AAC,1")
	case "D82":
		p := data.Position{Protocol: "meitrack", Outdated: true}
		p.Attributes.SetString("result", protocol.Text(rest))
		packet.Positions = []data.Position{p}
	case "D03":
		packet.Reply = appendMessage(nil, 'O', packet.Identity, "D00,"+picture+",0")
	case "D00":
		packet.File, packet.Reply = pictureOf(packet.Identity, content)
	case "CCC":
		packet.Positions, err = c.decodeCCC(content)
		if len(packet.Positions) > 0 {
			packet.Reply = appendMessage(nil, flag, packet.Identity, "CCC,"+strconv.Itoa(len(packet.Positions)))
		}
	case "CCE":
		packet.Positions, err = c.decodeCCE(content)
	default:
		packet.Positions, err = c.decodeText(content)
		if err != nil {
			err = fmt.Errorf("decode %q: %w", kind, err)
		}
	}
	if err != nil {
		return data.Packet{}, err
	}
	return packet, nil
}

// picture is the name of the picture that requestPhoto asks for.
const picture = "camera_picture.jpg"

// pictureOf reads a packet of a picture, name, number of packets, number of this
// one from 0, content; after every eighth packet it asks for more.
func pictureOf(identity string, content []byte) (f *data.FilePart, reply []byte) {
	const together = 8
	name, rest, _ := bytes.Cut(content, []byte(","))
	total, rest, _ := bytes.Cut(rest, []byte(","))
	current, bytes, found := bytes.Cut(rest, []byte(","))
	n, ok1 := fields.Integer(total)
	i, ok2 := fields.Integer(current)
	if !ok1 || !ok2 || !found || len(name) > 64 || i < 0 || i >= n || n > data.MaxFile {
		return nil, nil
	}
	f = &data.FilePart{
		Kind: data.FileImage, ID: protocol.Text(name), From: int(i), To: int(i) + 1, Last: i+1 == n, Content: bytes,
	}
	if !f.Last && (i+1)%together == 0 {
		reply = appendMessage(nil, 'O', identity, "D00,"+f.ID+","+strconv.FormatInt(i+1, 10))
	}
	return f, reply
}

// alarmOf is the alarm that an event number stands for.
func alarmOf(event int) string {
	switch event {
	case 1:
		return "sos"
	case 17:
		return "lowBattery"
	case 18:
		return "lowPower"
	case 19:
		return "overspeed"
	case 20:
		return "geofenceEnter"
	case 21:
		return "geofenceExit"
	case 22:
		return "powerRestored"
	case 23:
		return "powerCut"
	case 36:
		return "tow"
	case 44:
		return "jamming"
	case 78:
		return "accident"
	case 90, 91:
		return "hardCornering"
	case 129:
		return "hardBraking"
	case 130:
		return "hardAcceleration"
	case 135:
		return "fatigueDriving"
	}
	return ""
}

func setEvent(a *data.Attributes, event int) {
	a.SetInt("event", int64(event))
	if alarm := alarmOf(event); alarm != "" {
		a.AddAlarm(alarm)
	}
}
