package simulator

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
	"github.com/waymark-gps/waymark/util/converters"
)

// pattern is a burst that was written once, and how to make the next one of it.
// It is used by one goroutine.
type pattern struct {
	login    func(imei string) []byte
	welcome  int // bytes of the answer to the login
	accepted func(answer []byte) bool

	batch  int
	burst  []byte
	answer []byte // room for the answer
	// change patches burst for the connection; its reports are a second apart, the
	// first at Unix second first. confirms reads answer.
	change    func(p *pattern, c *loadConn, first int64)
	confirmed func(p *pattern, c *loadConn) bool
}

// loadReport is the place from which the devices creep north.
var loadReport = report{
	at: 1_780_000_000, lat: 45 * grid, lon: 9 * grid, odometer: 1000, kmh: 36, flags: flagEngine | flagIgnition | flagMoving, sat: 9,
}

func newPattern(protocol string, batch int) (*pattern, error) {
	positions := make([]data.Position, batch)
	for i := range positions {
		loadReport.position(&positions[i])
	}
	switch protocol {
	case "gt06":
		return gt06Pattern(positions), nil
	case "teltonika":
		return teltonikaPattern(positions), nil
	}
	return nil, fmt.Errorf("protocol %q: want gt06 or teltonika: %w", protocol, data.ErrInvalid)
}

// patch makes the next burst of a connection and tells the time of its last
// report. No two reports of a device have the same time, as in real ones: who
// reports more than once a second runs ahead of the clock.
func (p *pattern) patch(c *loadConn, now time.Time) (burst []byte, last time.Time) {
	first := max(c.clock+1, now.Unix()-int64(p.batch-1))
	p.change(p, c, first)
	c.sequence += uint32(p.batch)
	c.clock = first + int64(p.batch-1)
	return p.burst, time.Unix(c.clock, 0)
}

func (p *pattern) confirms(c *loadConn) bool { return p.confirmed(p, c) }

// creep is the latitude of a report in the unit of the protocol: a step further
// north than the last one. It begins again before it leaves the earth: in gt06,
// whose unit is the largest, 50 million steps are 28 degrees.
func creep(base, sequence uint32) uint32 { return base + sequence%50_000_000 }

// Places in a gt06 frame of type 0x22 with one length byte: the start, the
// length and the type, then date, satellites, latitude.
const (
	gt06Date     = 4
	gt06Latitude = gt06Date + 6 + 1
	gt06Tail     = 6 // serial number, checksum and stop
	gt06Answer   = 10
)

func gt06Pattern(positions []data.Position) *pattern {
	p := &pattern{
		login:    func(imei string) []byte { return gt06.AppendLogin(nil, imei, 0) },
		welcome:  gt06Answer,
		accepted: func(b []byte) bool { kind, _, _ := gt06.Answer(b); return kind == gt06.LoginType },
		batch:    len(positions), answer: make([]byte, gt06Answer*len(positions)),
		change: changeGT06, confirmed: confirmedGT06,
	}
	for i := range positions {
		p.burst = gt06.AppendPosition(p.burst, &positions[i], 0)
	}
	return p
}

func changeGT06(p *pattern, c *loadConn, first int64) {
	size := len(p.burst) / p.batch
	for i, b := uint32(0), p.burst; len(b) > 0; i, b = i+1, b[size:] {
		t := time.Unix(first+int64(i), 0).UTC()
		year, month, day := t.Date()
		hour, minute, second := t.Clock()
		date := [6]byte{byte(year - 2000), byte(month), byte(day), byte(hour), byte(minute), byte(second)}
		copy(b[gt06Date:], date[:])
		sequence := c.sequence + i
		binary.BigEndian.PutUint32(b[gt06Latitude:], creep(45*1800000, sequence))
		tail := b[size-gt06Tail : size]
		binary.BigEndian.PutUint16(tail, uint16(sequence))
		binary.BigEndian.PutUint16(tail[2:], converters.CRC16X25(b[2:size-gt06Tail+2]))
	}
}

// confirmedGT06 compares start, length, type and serial number. In an open loop
// several bursts may be on their way: what was lost shows as one that is missing.
func confirmedGT06(p *pattern, c *loadConn) bool {
	for b := p.answer; len(b) > 0; b = b[gt06Answer:] {
		if b[0] != 0x78 || b[1] != 0x78 || b[3] != gt06.PositionType || binary.BigEndian.Uint16(b[4:]) != uint16(c.answered) {
			return false
		}
		c.answered++
	}
	return true
}

// Places in a teltonika packet: preamble, length, codec and count, then records
// of the same size that begin with time, priority, longitude and latitude.
const (
	teltonikaRecords  = 4 + 4 + 1 + 1
	teltonikaLatitude = 8 + 1 + 4
	teltonikaTail     = 1 + 4 // count and checksum
)

func teltonikaPattern(positions []data.Position) *pattern {
	return &pattern{
		login:    func(imei string) []byte { return teltonika.AppendLogin(nil, imei) },
		welcome:  1,
		accepted: func(b []byte) bool { return b[0] == 1 },
		batch:    len(positions), answer: make([]byte, 4),
		burst:  teltonika.AppendPositions(nil, positions),
		change: changeTeltonika,
		confirmed: func(p *pattern, _ *loadConn) bool {
			return binary.BigEndian.Uint32(p.answer) == uint32(p.batch)
		},
	}
}

func changeTeltonika(p *pattern, c *loadConn, first int64) {
	end := len(p.burst) - teltonikaTail
	size := (end - teltonikaRecords) / p.batch
	for i, b := uint32(0), p.burst[teltonikaRecords:end]; len(b) > 0; i, b = i+1, b[size:] {
		binary.BigEndian.PutUint64(b, uint64(first+int64(i))*1000)
		binary.BigEndian.PutUint32(b[teltonikaLatitude:], creep(45*10_000_000, c.sequence+i))
	}
	binary.BigEndian.PutUint32(p.burst[end+1:], uint32(converters.CRC16ARC(p.burst[8:end+1])))
}
