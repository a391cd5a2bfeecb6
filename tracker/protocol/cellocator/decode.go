package cellocator

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The message types.
const (
	kindStatus          = 0
	kindProgramming     = 3
	kindAcknowledge     = 4 // ours
	kindSerialLog       = 7
	kindSerialData      = 8
	kindModular         = 9
	kindModularExtended = 11
)

const (
	statusSize = 70
	ackSize    = 28
)

// report is everything a status points to, so that it costs one allocation
// beside its id.
type report struct {
	positions  [1]data.Position
	attributes [20]data.Attribute
	reply      [ackSize]byte
}

var le = binary.LittleEndian

// Decode reads one frame.
func (codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	if len(frame) <= headerSize+2 || !isStart(frame) {
		return data.Packet{}, fmt.Errorf("decode frame of %d bytes: want MCGP and a header: %w", len(frame), data.ErrInvalid)
	}
	kind, unit := frame[markSize], le.Uint32(frame[markSize+1:])
	out := &report{}
	p := &out.positions[0]
	p.Protocol = "cellocator"
	p.Outdated = true
	p.Attributes = out.attributes[:0]
	packet := data.Packet{Identity: strconv.FormatUint(uint64(unit), 10)}
	number := frame[headerSize+2] // behind the communication control
	switch kind {
	case kindStatus:
		if len(frame) < statusSize-1 {
			return data.Packet{}, fmt.Errorf("decode status of %d bytes, want %d: %w", len(frame), statusSize, data.ErrInvalid)
		}
		status(p, frame)
		packet.Positions = out.positions[:]
	case kindModularExtended:
		packet.Reply = acknowledgeModular(unit, number)
		p.Attributes.SetInt("index", int64(number))
		if modular(p, frame) {
			packet.Positions = out.positions[:]
		}
		return packet, nil
	case kindSerialData:
		number = frame[headerSize]
	}
	packet.Reply = acknowledge(out.reply[:0], unit, number)
	return packet, nil
}

// acknowledge is the answer to most types.
func acknowledge(b []byte, unit uint32, number byte) []byte {
	b = appendHeader(b, kindAcknowledge, unit)
	b = append(b, 0, 0, 0, 0, 0) // number of the command, authentication code
	b = append(b, 0, number)
	b = append(b, make([]byte, 11)...)
	return appendChecksum(b)
}

// acknowledgeModular is the answer to type 11: a module of type 9.
func acknowledgeModular(unit uint32, number byte) []byte {
	b := appendHeader(make([]byte, 0, 32), kindModularExtended, unit)
	b = append(b, number, 0, 0, 0, 0) // authentication code
	b = append(b, 0x80)
	b = le.AppendUint16(b, 4+1+2+3) // of all that follows
	b = append(b, 0, 0, 0, 0)
	b = append(b, 9)
	b = le.AppendUint16(b, 3)
	b = append(b, 0, 0, 0)
	return appendChecksum(b)
}

// status reads type 0, all fields of which have a fixed place. Frames whose
// mark does not end with P have some fields in other units.
func status(p *data.Position, b []byte) {
	alternative := b[markSize-1] != 'P'
	a := &p.Attributes
	a.SetInt("index", int64(b[11]))
	a.SetInt("versionHw", int64(b[12]))
	a.SetInt("versionFw", int64(b[13]))
	a.SetInt("status", int64(b[15]&15))
	reason := b[18]
	a.SetInt("event", int64(reason))
	a.AddAlarm(alarms[reason])
	a.SetInt("mode", int64(b[19]))
	input := binary.BigEndian.Uint32(b[20:])
	a.SetBool("ignition", input&(1<<29) != 0)
	a.SetBool("door", input&(1<<24) != 0)
	a.SetBool("charge", input&(1<<7) != 0)
	if alternative {
		a.SetInt("input", int64(b[24]))
		a.SetInt("adc1", int64(le.Uint16(b[25:])))
		a.SetInt("adc2", int64(le.Uint16(b[27:])))
	} else {
		a.SetInt("input", int64(input))
		a.SetInt("operator", int64(b[24]))
		for i, name := range [...]string{"adc1", "adc2", "adc3", "adc4"} {
			a.SetInt(name, int64(b[25+i]))
		}
	}
	a.SetInt("odometer", int64(b[29])|int64(b[30])<<8|int64(b[31])<<16)
	if driver := b[32:38]; string(driver) != "\x00\x00\x00\x00\x00\x00" {
		a.SetString("driverUniqueId", hex.EncodeToString(driver))
	}
	a.SetInt("sat", int64(b[43]))
	longitude, latitude := float64(int32(le.Uint32(b[44:]))), float64(int32(le.Uint32(b[48:])))
	p.AltitudeM = float64(int32(le.Uint32(b[52:]))) / 100
	speed, course := float64(le.Uint32(b[56:])), float64(le.Uint16(b[60:]))/1000
	if alternative {
		longitude, latitude = longitude/1e7, latitude/1e7
		speed = converters.KnotsFromKmh(speed)
	} else {
		longitude, latitude = degrees(longitude/1e8), degrees(latitude/1e8)
		speed = converters.KnotsFromMps(speed / 100)
		course = degrees(course)
	}
	p.SpeedKnots, p.CourseDeg = speed, protocol.Course(course)
	p.DeviceTime = protocol.Date(int(le.Uint16(b[67:])), int(b[66]), int(b[65]), int(b[64]), int(b[63]), int(b[62]))
	place(p, latitude, longitude)
}

func degrees(radians float64) float64 { return radians * 180 / math.Pi }

// place puts a place measured at the time of the report into it. Every fix
// counts as valid, except the coordinates of a unit that has had none.
func place(p *data.Position, latitude, longitude float64) {
	p.Valid = latitude != 0 || longitude != 0
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

var alarms = map[uint8]string{
	70: "sos",
	80: "powerCut",
	81: "lowPower",
}
