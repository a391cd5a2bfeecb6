package ruptela

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The commands of the device.
const (
	commandRecords        = 1
	commandConfiguration  = 2
	commandVersion        = 3
	commandFirmware       = 4
	commandText           = 7
	commandTroubleCodes   = 9
	commandIdentification = 15
	commandHeartbeat      = 16
	commandSetIO          = 17
	commandFile           = 37
	commandExtended       = 68
)

// What the server says, with checksums.
var (
	recordsTaken   = []byte{0x00, 0x02, 0x64, 0x01, 0x13, 0xBC}
	recordsRefused = []byte{0x00, 0x02, 0x64, 0x00, 0x02, 0x35}
	codesTaken     = []byte{0x00, 0x02, 0x6D, 0x01, 0xC4, 0xA4}
)

// Decode reads one frame. Its length is not believed: some firmware sends a
// wrong one.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	if len(frame) < overhead+minContent {
		return data.Packet{}, fmt.Errorf("decode frame of %d bytes, at least %d are needed: %w", len(frame), overhead+minContent, data.ErrInvalid)
	}
	imei := binary.BigEndian.Uint64(frame[2:])
	if imei == 0 || imei > maxIMEI {
		return data.Packet{}, fmt.Errorf("decode frame: %d is no IMEI: %w", imei, protocol.ErrNoIdentity)
	}
	if imei != c.imei {
		c.imei, c.identity = imei, identity(imei)
	}
	packet := data.Packet{Identity: c.identity}
	command, content := frame[10], frame[11:len(frame)-2]
	r := converters.NewReader(content)
	var err error
	switch command {
	case commandRecords, commandExtended:
		packet.Positions, err = decodeRecords(&r, command == commandExtended)
		packet.Reply, packet.Refusal = recordsTaken, recordsRefused
	case commandTroubleCodes:
		packet.Positions, err = decodeCodes(&r)
		packet.Reply = codesTaken
	case commandConfiguration, commandVersion, commandFirmware, commandText:
		packet.Positions = result(command, protocol.Text(content))
	case commandSetIO:
		if len(content) > 0 {
			packet.Positions = result(command, strconv.Itoa(int(content[0])))
		}
	case commandIdentification, commandHeartbeat:
		packet.Reply = serverFrame(100+command, 1)
	case commandFile:
		packet.File, packet.Reply = filePart(&r)
	}
	if err != nil {
		return data.Packet{}, err
	}
	return packet, nil
}

// identity writes an IMEI with its leading zeros.
func identity(imei uint64) string {
	var b [20]byte
	digits := strconv.AppendUint(b[:0], imei, 10)
	const size = 15
	if missing := size - len(digits); missing > 0 {
		return strings.Repeat("0", missing) + string(digits)
	}
	return string(digits)
}

// result is what a device answered to a command.
func result(command byte, text string) []data.Position {
	if text == "" {
		return nil
	}
	p := data.Position{Protocol: "ruptela", Outdated: true}
	p.Attributes.SetInt("type", int64(command))
	p.Attributes.SetString("result", text)
	return []data.Position{p}
}

// filePart reads a part of a photo, sub command, source, name, number of parts,
// number of this part from 0, data, and asks for the next one unless it is the
// last.
func filePart(r *reader) (f *data.FilePart, reply []byte) {
	start := r.Bytes(1 + 1 + 8)
	total, current := int(r.U16()), int(r.U16())
	if !r.OK() || current >= total {
		return nil, nil
	}
	f = &data.FilePart{
		Kind: data.FileImage, ID: hex.EncodeToString(start[1:]), From: current, To: current + 1, Last: current+1 == total, Content: r.Rest(),
	}
	if f.Last {
		return f, nil
	}
	return f, serverFrame(100+commandFile, append(slices.Clip(start), byte((current+1)>>8), byte(current+1))...)
}

// noFix stands for both coordinates in a record without a fix.
const noFix = -1 << 31

// setPlace puts coordinates in 1e-7 degrees into p.
func setPlace(p *data.Position, longitude, latitude int32) {
	if longitude == noFix || latitude == noFix {
		p.Outdated = true
		return
	}
	if protocol.SetPlace(p, float64(latitude)/1e7, float64(longitude)/1e7); !p.Outdated {
		p.FixTime, p.Valid = p.DeviceTime, true
	}
}

// minRecord is the size of the smallest record and bounds what a count can ask
// for.
const minRecord = 23 + 1 + 4

// decodeRecords reads records. An extended record may come in parts, of which
// the later ones bring only more elements.
func decodeRecords(r *reader, extended bool) ([]data.Position, error) {
	r.Skip(1) // records left in the device
	count := int(r.U8())
	out := make([]data.Position, 0, min(count, 1+r.Len()/minRecord))
	for i := range count {
		p := data.Position{Protocol: "ruptela"}
		part := readRecord(r, &p, extended)
		at := &p
		if part > 0 && len(out) > 0 && out[len(out)-1].DeviceTime.Equal(p.DeviceTime) {
			at = &out[len(out)-1]
		}
		readElements(r, at, extended)
		if !r.OK() {
			// Nothing is answered, so that the device sends all of them again.
			return nil, fmt.Errorf("decode record %d of %d: it ends in the middle: %w", i, count, data.ErrInvalid)
		}
		if at == &p {
			out = append(out, p)
		}
	}
	return out, nil
}

// readRecord reads the fixed fields and returns which part of a record it is.
func readRecord(r *reader, p *data.Position, extended bool) (part byte) {
	p.DeviceTime = protocol.UnixMilli(int64(r.U32()) * 1000)
	r.Skip(1) // tells records of one second apart
	if extended {
		part = r.U8() & 0x0F
	}
	r.Skip(1) // priority
	longitude, latitude := int32(r.U32()), int32(r.U32())
	altitude, course, satellites := int16(r.U16()), r.U16(), r.U8()
	kmh, hdop := r.U16(), r.U8()
	event := uint16(0)
	if extended {
		event = r.U16()
	} else {
		event = uint16(r.U8())
	}
	if !r.OK() {
		return part
	}
	if setPlace(p, longitude, latitude); !p.Outdated {
		p.AltitudeM = float64(altitude) / 10
		p.CourseDeg = protocol.Course(float64(course) / 100)
		p.SpeedKnots = converters.KnotsFromKmh(float64(kmh))
	}
	if part == 0 {
		p.Attributes = make(data.Attributes, 0, fewElements)
	}
	p.Attributes = append(p.Attributes,
		data.Attribute{Key: "sat", Value: data.Int(int64(satellites))},
		data.Attribute{Key: "hdop", Value: data.Float(float64(hdop) / 10)},
		data.Attribute{Key: "event", Value: data.Int(int64(event))})
	return part
}

// fewElements is room for the elements of an ordinary record.
const fewElements = 24

// decodeCodes reads trouble codes: each has a time and a place of its own.
func decodeCodes(r *reader) ([]data.Position, error) {
	count := int(r.U8())
	const size = 1 + 4 + 4 + 4 + 1 + 5
	if r.Len() < count*size {
		return nil, fmt.Errorf("decode %d trouble codes: %d bytes, %d are needed: %w", count, r.Len(), count*size, data.ErrInvalid)
	}
	out := make([]data.Position, 0, count)
	for range count {
		p := data.Position{Protocol: "ruptela"}
		r.Skip(1)
		p.DeviceTime = protocol.UnixMilli(int64(r.U32()) * 1000)
		longitude, latitude := int32(r.U32()), int32(r.U32())
		setPlace(&p, longitude, latitude)
		if r.U8() == 2 {
			p.Attributes.SetBool("archive", true)
		}
		p.Attributes.SetString("dtcs", protocol.Text(r.Bytes(5)))
		out = append(out, p)
	}
	return out, nil
}
