package h02

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The flags beside the longitude.
const (
	flagValid = 1 << 1
	flagNorth = 1 << 2
	flagEast  = 1 << 3
)

// decodeBinary reads a binary frame: binary coded decimals, except for the
// battery, the flags and the status.
func (c *codec) decodeBinary(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) < shortSize {
		return data.Packet{}, fmt.Errorf("decode binary frame: %d bytes, want at least %d: %w", len(frame), shortSize, data.ErrInvalid)
	}
	idSize := 5
	if len(frame) == longIDSize || len(frame) > longIDSize && hasLongID(frame) {
		idSize = 8
	}
	id := converters.BCDDigits(frame[1 : 1+idSize])
	if idSize == 8 && len(id) > 15 {
		id = id[:15]
	}
	if id != c.id {
		c.id = id
	}
	b := frame[1+idSize:]
	if !decimal(b[6:10]) || !decimal(b[11:15]) || b[15]>>4 > 9 {
		return data.Packet{}, fmt.Errorf("decode binary frame: coordinates are not decimal: %w", data.ErrInvalid)
	}
	r, p := newReport()
	if decimal(b[:6]) {
		p.DeviceTime = protocol.Date(2000+bcd(b[5:6]), bcd(b[4:5]), bcd(b[3:4]), bcd(b[0:1]), bcd(b[1:2]), bcd(b[2:3]))
	}
	latitude := float64(bcd(b[6:7])) + float64(bcd(b[7:10]))/1e4/60
	// Three digits of degrees, six of minutes, and the flags.
	digits := bcd(b[11:15])*10 + int(b[15]>>4)
	longitude := float64(digits/1e6) + float64(digits%1e6)/1e4/60
	flags := b[15] & 15
	if flags&flagNorth == 0 {
		latitude = -latitude
	}
	if flags&flagEast == 0 {
		longitude = -longitude
	}
	p.Valid = flags&flagValid != 0
	protocol.SetPlace(p, latitude, longitude)
	if decimal(b[16:19]) {
		motion := bcd(b[16:19])
		p.SpeedKnots = float64(motion / 1000)
		p.CourseDeg = protocol.Course(float64(motion % 1000))
	}
	setBattery(p, int64(b[10]))
	setStatus(p, uint32(b[19])<<24|uint32(b[20])<<16|uint32(b[21])<<8|uint32(b[22]))
	packet := data.Packet{Identity: c.id, Positions: r.positions[:]}
	if c.acknowledge {
		packet.Reply = acknowledgement(c.id, now)
	}
	return packet, nil
}

// bcd reads binary coded decimals.
func bcd(b []byte) int {
	v := 0
	for _, packed := range b {
		v = v*100 + int(packed>>4)*10 + int(packed&15)
	}
	return v
}

func decimal(b []byte) bool {
	for _, packed := range b {
		if packed>>4 > 9 || packed&15 > 9 {
			return false
		}
	}
	return true
}
