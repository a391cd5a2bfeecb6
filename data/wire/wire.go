// Package wire is how positions travel on the bus: protobuf messages of
// position.proto. Positions go straight between data.Position and the bytes;
// the generated package positionpb does the fields of one position.
//
// Times are kept to the millisecond. A time of exactly 1970-01-01 00:00 UTC
// counts as none, and negative zero as zero.
package wire

import (
	"fmt"
	"slices"
	"time"
	"unique"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire/positionpb"
)

// MaxPositions bounds the positions of one message; Parse refuses more, so that
// a few bytes cannot ask for much memory.
const MaxPositions = 16384

// positionsField is the number of PositionBatch.positions.
const positionsField protowire.Number = 1

// usualSize is about the bytes of a position with a few attributes.
const usualSize = 128

// Append appends positions, at most MaxPositions, as one message. What two
// calls append, one after the other, is one message too.
func Append(b []byte, positions []data.Position) []byte {
	var (
		message positionpb.Position
		room    [1024]byte // for JSON; a position with more makes its own
	)
	b = slices.Grow(b, usualSize*len(positions))
	for i := range positions {
		p := &positions[i]
		fill(&message, p)
		json := room[:0]
		if p.Network != nil {
			json = p.Network.AppendJSON(json)
		}
		network := len(json)
		if len(p.Attributes) > 0 {
			json = p.Attributes.AppendJSON(json)
		}
		message.NetworkJson, message.AttributesJson = json[:network], json[network:]
		size := message.SizeVT()
		b = protowire.AppendTag(b, positionsField, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(size))
		b = slices.Grow(b, size)
		end := len(b) + size
		if _, err := message.MarshalToSizedBufferVT(b[len(b):end]); err != nil {
			panic(err) // numbers, texts and bytes always marshal
		}
		b = b[:end]
	}
	return b
}

// fill sets all but the JSON of m.
func fill(m *positionpb.Position, p *data.Position) {
	m.Id = p.ID
	m.DeviceId = p.DeviceID
	m.Protocol = p.Protocol
	m.ServerTimeMs = millis(p.ServerTime)
	m.DeviceTimeMs = millis(p.DeviceTime)
	m.FixTimeMs = millis(p.FixTime)
	m.Valid = p.Valid
	m.Outdated = p.Outdated
	m.Latitude = p.Latitude
	m.Longitude = p.Longitude
	m.AltitudeM = p.AltitudeM
	m.SpeedKnots = p.SpeedKnots
	m.CourseDeg = p.CourseDeg
	m.AccuracyM = p.AccuracyM
}

// Parse reads a message. The positions do not refer to b. Bytes that are no
// such message give an error that wraps data.ErrInvalid; how much memory they
// take is bounded by len(b) and MaxPositions. Fields of later versions are left
// out.
func Parse(b []byte) ([]data.Position, error) {
	count, err := count(b)
	if err != nil || count == 0 {
		return nil, err
	}
	positions := make([]data.Position, 0, count)
	var message positionpb.Position
	var none data.Position
	err = each(b, func(body []byte) error {
		message = positionpb.Position{}
		// Texts and bytes of the message lie in b.
		if err := message.UnmarshalVTUnsafe(body); err != nil {
			return fmt.Errorf("read position %d: %v: %w", len(positions), err, data.ErrInvalid)
		}
		last := &none
		if n := len(positions); n > 0 {
			last = &positions[n-1]
		}
		p, err := position(&message, last)
		if err != nil {
			return fmt.Errorf("read position %d: %w", len(positions), err)
		}
		positions = append(positions, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return positions, nil
}

// position makes a position of m; last is the one before it.
func position(m *positionpb.Position, last *data.Position) (data.Position, error) {
	protocol := last.Protocol
	if protocol != m.Protocol {
		// There are few protocols: all positions of one share its name.
		protocol = unique.Make(m.Protocol).Value()
	}
	p := data.Position{
		ID:         m.Id,
		DeviceID:   m.DeviceId,
		Protocol:   protocol,
		ServerTime: fromMillis(m.ServerTimeMs),
		DeviceTime: fromMillis(m.DeviceTimeMs),
		FixTime:    fromMillis(m.FixTimeMs),
		Valid:      m.Valid,
		Outdated:   m.Outdated,
		Latitude:   m.Latitude,
		Longitude:  m.Longitude,
		AltitudeM:  m.AltitudeM,
		SpeedKnots: m.SpeedKnots,
		CourseDeg:  m.CourseDeg,
		AccuracyM:  m.AccuracyM,
	}
	var err error
	if len(m.NetworkJson) > 0 {
		if p.Network, err = data.ParseNetwork(m.NetworkJson); err != nil {
			return p, fmt.Errorf("network: %v: %w", err, data.ErrInvalid)
		}
	}
	if len(m.AttributesJson) > 0 {
		if p.Attributes, err = data.ParseAttributesLike(m.AttributesJson, last.Attributes); err != nil {
			return p, err
		}
	}
	return p, nil
}

// count tells how many positions b holds.
func count(b []byte) (int, error) {
	n := 0
	err := each(b, func([]byte) error {
		if n++; n > MaxPositions {
			return fmt.Errorf("more than %d positions in a message: %w", MaxPositions, data.ErrInvalid)
		}
		return nil
	})
	return n, err
}

// each calls do for the encoded positions of a message.
func each(b []byte, do func(body []byte) error) error {
	for rest := b; len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return broken(len(b)-len(rest), n)
		}
		rest = rest[n:]
		if field != positionsField || kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, rest); n < 0 {
				return broken(len(b)-len(rest), n)
			}
			rest = rest[n:]
			continue
		}
		body, n := protowire.ConsumeBytes(rest)
		if n < 0 {
			return broken(len(b)-len(rest), n)
		}
		rest = rest[n:]
		if err := do(body); err != nil {
			return err
		}
	}
	return nil
}

func broken(at, code int) error {
	return fmt.Errorf("read positions: byte %d: %v: %w", at, protowire.ParseError(code), data.ErrInvalid)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
