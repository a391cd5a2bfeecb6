package totem

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// report is everything a usual message points to, so that it costs one
// allocation.
type report struct {
	positions  [1]data.Position
	attributes [24]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
	signal     int
	reply      [16]byte
}

// tailSize is the serial number and the checksum of form 4.
const tailSize = 4 + 2

// Decode reads a message of any form, with or without its line end.
func (codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	frame = bytes.Trim(frame, "\r\n\x00 ")
	bar := bytes.IndexByte(frame, '|')
	start := headSize(frame)
	long := start == 6
	if long {
		start += 2 // the type
	}
	if !bytes.HasPrefix(frame, mark) || bar <= start {
		return data.Packet{}, fmt.Errorf("decode message: want $$<length><id>|..: %w", data.ErrInvalid)
	}
	out := &report{}
	p := &out.positions[0]
	*p = data.Position{Protocol: "totem", Attributes: out.attributes[:0]}
	packet := data.Packet{Identity: protocol.Text(frame[start:bar])}
	if packet.Identity == "" {
		return data.Packet{}, fmt.Errorf("decode message: %w", protocol.ErrNoIdentity)
	}
	content := frame[bar+1:]
	var known bool
	var err error
	if long {
		packet.Reply = appendReply(out.reply[:0], frame)
		known, err = out.readLong(frame[6:8], content)
	} else {
		packet.Reply = append(out.reply[:0], "ACK OK\r\n"...)
		switch {
		case bytes.Contains(content, []byte("$GPRMC")):
			known, err = out.readGPRMC(content)
		case bytes.IndexByte(content, '|') >= 0:
			known, err = out.readBars(content)
		default:
			known, err = out.readFixed(content)
		}
	}
	if err != nil {
		return data.Packet{}, err
	}
	if known {
		packet.Positions = out.positions[:]
	}
	return packet, nil
}

// appendReply appends the answer to form 4: it repeats the serial number.
func appendReply(b, frame []byte) []byte {
	b = append(b, "$$0014AA"...)
	serial := frame[max(0, len(frame)-tailSize):]
	serial = serial[:min(len(serial), 4)]
	if len(serial) < 4 || !fields.AllDigits(serial) {
		serial = []byte("0000") // the form has none
	}
	b = append(b, serial...)
	return appendChecksum(b, 0)
}

// setPlace puts the coordinates and their time into the report.
func (out *report) setPlace(latitude, longitude float64) {
	p := &out.positions[0]
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

// setTower puts a cell into the report.
func (out *report) setTower(mcc, mnc int, lac, cell uint64, signal int) {
	out.signal = signal
	out.towers[0] = data.CellTower{MCC: mcc, MNC: mnc, LAC: int(lac), CellID: int64(cell), SignalDBm: &out.signal}
	out.network.CellTowers = out.towers[:]
	out.positions[0].Network = &out.network
}

// alarmOf is the alarm of forms 1 to 3, two hex digits.
func alarmOf(code []byte) string {
	switch string(code) {
	case "01":
		return "sos"
	case "10":
		return "lowBattery"
	case "11":
		return "overspeed"
	case "30":
		return "parking"
	case "42":
		return "geofenceExit"
	case "43":
		return "geofenceEnter"
	}
	return ""
}
