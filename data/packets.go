package data

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"
)

// Position is one report of a device, as decoded and as stored.
type Position struct {
	// ID is given by the store; 0 before.
	ID int64
	// DeviceID is Device.ID; 0 until tracking has recognised the device.
	DeviceID int64
	// Protocol is the name of the decoder, for example "gt06".
	Protocol string
	// ServerTime is when the frame arrived, UTC.
	ServerTime time.Time
	// DeviceTime is when the device wrote the report, UTC. Zero from a decoder
	// means the frame says nothing: tracking then takes ServerTime.
	DeviceTime time.Time
	// FixTime is when the place was measured, UTC. Zero from a decoder means the
	// same as DeviceTime, or for an Outdated report the last known fix. A stored
	// position has a zero FixTime if the device has never had a fix.
	FixTime time.Time
	// Valid says that the device trusts the fix.
	Valid bool
	// Outdated says that the report came without coordinates; processing puts
	// in the last known place.
	Outdated bool
	// Latitude and Longitude are WGS 84 degrees.
	Latitude, Longitude float64
	// AltitudeM is metres above sea level, 0 if unknown.
	AltitudeM float64
	// SpeedKnots is speed over ground, 0 if unknown.
	SpeedKnots float64
	// CourseDeg is 0 (north) to 360, clockwise, 0 if unknown.
	CourseDeg float64
	// AccuracyM is the radius of uncertainty in metres, 0 if unknown.
	AccuracyM float64
	// Network holds the radio surroundings, nil if the frame has none.
	Network *Network
	// Attributes holds everything else.
	Attributes Attributes
}

// Time is the moment a report stands for: that of the fix, or for a report
// without a place of its own (Outdated) that of the report. History is kept,
// asked for and ordered by it.
func (p *Position) Time() time.Time {
	if p.Outdated || p.FixTime.IsZero() {
		return p.DeviceTime
	}
	return p.FixTime
}

// Fingerprint identifies the content of a report, however often and by
// whichever way it arrives. Two reports of one device with the same DeviceTime
// and the same fingerprint are the same report. ID, DeviceID and ServerTime do
// not count; call it before an outdated report is filled in.
func (p *Position) Fingerprint() uint64 {
	h := fnv.New64a()
	buf := make([]byte, 0, 512)
	buf = append(buf, p.Protocol...)
	buf = append(buf, 0)
	for _, v := range [...]float64{p.Latitude, p.Longitude, p.AltitudeM, p.SpeedKnots, p.CourseDeg, p.AccuracyM} {
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
	}
	if !p.FixTime.IsZero() {
		buf = binary.LittleEndian.AppendUint64(buf, uint64(p.FixTime.UnixMilli()))
	}
	if p.Valid {
		buf = append(buf, 1)
	}
	if p.Outdated {
		buf = append(buf, 2)
	}
	if p.Network != nil {
		buf = p.Network.AppendJSON(buf)
	}
	buf = p.Attributes.AppendJSON(buf)
	h.Write(buf)
	return h.Sum64()
}

// Packet is what one frame says.
type Packet struct {
	// Identity is the device the frame speaks for. Empty means the device that
	// the connection has already identified itself as.
	Identity string
	// Alias is another name that the device may be registered under, empty for
	// none. It counts if nobody is registered under Identity.
	Alias string
	// Positions are the reports in the order of the frame.
	Positions []Position
	// Reply goes to the device once it is accepted and every position of the
	// packet is durable. Nil: no answer.
	Reply []byte
	// Answer is what the frame says about a command, nil for nothing. An answer
	// in words comes as the attribute "result" of a position instead.
	Answer *CommandAnswer
	// File is the piece of a file that the frame holds, nil for none.
	File *FilePart
	// Refusal goes to the device instead, before the connection is closed, when
	// the device is not accepted. Nil: just close.
	Refusal []byte
	// RefusalStatus is the HTTP status of a refusal; 0 is 404.
	RefusalStatus int
	// More holds further packets, for the few frames that speak for several
	// devices. Their Alias, Reply, Refusal, Answer and File are not
	// used.
	More []Packet
}

// Network describes the radio cells and access points around a device.
type Network struct {
	CellTowers       []CellTower
	WifiAccessPoints []WifiAccessPoint
}

// CellTower is one cell of a mobile network.
type CellTower struct {
	// RadioType is "gsm", "cdma", "wcdma", "lte" or "nr"; empty if unknown.
	RadioType string
	MCC, MNC  int
	// LAC is the location area or tracking area code.
	LAC int
	// CellID is the cell identity.
	CellID int64
	// SignalDBm is the strength as sent (usually dBm); nil if unknown.
	SignalDBm *int
}

// WifiAccessPoint is one access point in range.
type WifiAccessPoint struct {
	// MAC is six pairs of lower-case hex digits joined by colons.
	MAC string
	// SignalDBm is the strength as sent (usually dBm); nil if unknown.
	SignalDBm *int
	// Channel is the radio channel; 0 if unknown.
	Channel int
}

// UnknownDevice is a stranger: a device that spoke to us and is not registered,
// or a peer of which nothing could be understood.
type UnknownDevice struct {
	// UniqueID is the identity it gave; of a peer that nobody understands, its
	// network address without the port.
	UniqueID string
	// Protocol is empty for a peer that nobody understands.
	Protocol string
	// Address is the network address it last came from.
	Address string
	// FirstSeen and LastSeen are UTC.
	FirstSeen, LastSeen time.Time
	// Count is how many packets were refused.
	Count int64
	// LastFrame is the beginning of its last frame, at most MaxUnknownFrame bytes.
	LastFrame []byte
	// Frames are the beginnings of the first different frames it sent, oldest
	// first: at most MaxUnknownFrames of MaxUnknownFrame bytes.
	Frames [][]byte
	// Guesses are the protocols it may speak, the likeliest first, when Protocol
	// is empty.
	Guesses []string
	// Preview is the JSON of the last position that it reported, nil if none
	// could be read.
	Preview []byte
}

const (
	// MaxUnknownFrame bounds each frame of an UnknownDevice in bytes.
	MaxUnknownFrame = 256
	// MaxUnknownFrames bounds UnknownDevice.Frames.
	MaxUnknownFrames = 4
)
