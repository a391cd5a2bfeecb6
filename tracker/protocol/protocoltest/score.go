// Package protocoltest tests protocols: it scores recorded messages, runs golden
// files, fuzzes decoders and measures them.
package protocoltest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// coordinateTolerance is how far a coordinate may be off, in degrees.
const coordinateTolerance = 0.00001

// Miss is a record that was not met.
type Miss struct {
	Record recording.Record
	// Why says what was found instead.
	Why string
}

func (m Miss) String() string {
	return fmt.Sprintf("%s %d (%s %s %s): %s", m.Record.Session, m.Record.Seq, m.Record.Dir, m.Record.Expect, m.Record.From, m.Why)
}

// Score runs the records of one protocol, session by session, and returns how
// many were scored and which were missed.
func Score(p *protocol.Protocol, records []recording.Record, now time.Time) (scored int, misses []Miss) {
	sessions := map[string]*recording.Session{}
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b recording.Record) int {
		if c := strings.Compare(a.Session, b.Session); c != 0 {
			return c
		}
		return a.Seq - b.Seq
	})
	for _, r := range records {
		s := sessions[r.Session]
		if s == nil {
			s = recording.NewSession(p)
			sessions[r.Session] = s
		}
		err := Check(s, &r, now)
		if r.Prelude {
			continue
		}
		scored++
		if err != nil {
			misses = append(misses, Miss{r, err.Error()})
		}
	}
	return scored, misses
}

// Check runs one record and says what is wrong, nil if it is met.
func Check(s *recording.Session, r *recording.Record, now time.Time) error {
	switch r.Dir {
	case "frame":
		frame, err := s.Frame(r)
		if r.Frame == nil {
			if errors.Is(err, recording.ErrNoFrame) {
				return nil
			}
			return fmt.Errorf("have frame %x, error %v, want none yet", frame, err)
		}
		if err != nil {
			return err
		}
		return equalHex("frame", frame, *r.Frame)
	case "frame-encode":
		if r.Frame == nil {
			return errors.New("no frame is expected")
		}
		b, err := s.Escape(r)
		if err != nil {
			return err
		}
		return equalHex("frame", b, *r.Frame)
	case "encode":
		b, err := s.Encode(r)
		if err != nil {
			return err
		}
		want, err := r.Bytes()
		if err != nil {
			return err
		}
		if !bytes.Equal(b, want) {
			return fmt.Errorf("have %q, want %q", b, want)
		}
		return nil
	case "decode":
	default:
		return fmt.Errorf("direction %q is not supported", r.Dir)
	}
	packet, err := s.Decode(r, now)
	positions := recording.All(&packet)
	recording.Complete(positions, now)
	if err == nil && r.Reply != nil {
		if err := equalHex("reply", packet.Reply, *r.Reply); err != nil {
			return err
		}
	}
	if err == nil && r.Identity != nil && packet.Identity != *r.Identity {
		return fmt.Errorf("identity is %q, want %q", packet.Identity, *r.Identity)
	}
	if r.Expect == "null" {
		if len(positions) > 0 {
			return fmt.Errorf("have %d positions, want none: %s", len(positions), positions[0].AppendJSON(nil))
		}
		return nil
	}
	if err != nil {
		return err
	}
	return checkPositions(r, positions, now)
}

func equalHex(what string, have []byte, want string) error {
	if w, err := hex.DecodeString(want); err != nil || !bytes.Equal(have, w) {
		return fmt.Errorf("%s is %x, want %s", what, have, want)
	}
	return nil
}

func checkPositions(r *recording.Record, positions []data.Position, now time.Time) error {
	if len(positions) == 0 {
		return errors.New("no position")
	}
	first := &positions[0]
	switch r.Expect {
	case "notnull":
		return nil
	case "attributes":
		if len(first.Attributes) == 0 && first.Network == nil {
			return errors.New("no attributes")
		}
		return nil
	case "attribute":
		return checkAttribute(first, r.Attribute, r.Value)
	case "position", "positions":
		if r.Expect == "position" && len(positions) != 1 {
			return fmt.Errorf("have %d positions, want one", len(positions))
		}
		for i := range positions {
			if err := checkPlace(r, &positions[i], i == 0, now); err != nil {
				return fmt.Errorf("position %d: %w", i, err)
			}
		}
		return nil
	}
	return fmt.Errorf("expectation %q is not supported", r.Expect)
}

func checkPlace(r *recording.Record, p *data.Position, first bool, now time.Time) error {
	if p.FixTime.Year() < 2000 || p.FixTime.After(now.Add(24*time.Hour)) {
		return fmt.Errorf("fix time %s is out of range", p.FixTime)
	}
	if r.CheckLocation != nil && !*r.CheckLocation && p.Outdated {
		return nil
	}
	if p.Outdated {
		return errors.New("no coordinates")
	}
	for _, c := range []struct {
		name            string
		have, low, high float64
	}{
		{"latitude", p.Latitude, -90, 90},
		{"longitude", p.Longitude, -180, 180},
		{"speed", p.SpeedKnots, 0, 869},
		{"course", p.CourseDeg, 0, 360},
		{"altitude", p.AltitudeM, -12262, 18000},
	} {
		if !(c.have >= c.low && c.have <= c.high) {
			return fmt.Errorf("%s %v is out of range", c.name, c.have)
		}
	}
	if !first {
		return nil
	}
	switch {
	case r.Time != nil && !p.FixTime.Truncate(time.Millisecond).Equal(*r.Time):
		return fmt.Errorf("fix time is %s, want %s", p.FixTime, r.Time)
	case r.Valid != nil && p.Valid != *r.Valid:
		return fmt.Errorf("valid is %t, want %t", p.Valid, *r.Valid)
	case r.Lat != nil && math.Abs(p.Latitude-*r.Lat) > coordinateTolerance:
		return fmt.Errorf("latitude is %v, want %v", p.Latitude, *r.Lat)
	case r.Lon != nil && math.Abs(p.Longitude-*r.Lon) > coordinateTolerance:
		return fmt.Errorf("longitude is %v, want %v", p.Longitude, *r.Lon)
	}
	return nil
}

func checkAttribute(p *data.Position, name string, want json.RawMessage) error {
	var have []byte
	switch name {
	case "speed":
		have = data.Float(p.SpeedKnots).AppendJSON(nil)
	case "course":
		have = data.Float(p.CourseDeg).AppendJSON(nil)
	case "altitude":
		have = data.Float(p.AltitudeM).AppendJSON(nil)
	case "network":
		have = p.Network.AppendJSON(nil)
	default:
		have = p.Attributes.Get(name).AppendJSON(nil)
	}
	var h, w any
	if err := json.Unmarshal(have, &h); err != nil {
		return fmt.Errorf("read attribute %s: %w", name, err)
	}
	if len(want) > 0 {
		if err := json.Unmarshal(want, &w); err != nil {
			return fmt.Errorf("read expected value: %w", err)
		}
	}
	if !sameValue(h, w) {
		return fmt.Errorf("attribute %s is %s, want %s", name, have, want)
	}
	return nil
}

// sameValue compares JSON values; of objects only what is expected.
func sameValue(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		for key, value := range w {
			ok = ok && sameValue(h[key], value)
		}
		return ok
	case []any:
		h, ok := have.([]any)
		ok = ok && len(h) == len(w)
		for i := range w {
			ok = ok && sameValue(h[i], w[i])
		}
		return ok
	case float64:
		h, ok := have.(float64)
		return ok && math.Abs(h-w) <= 1e-9*max(1, math.Abs(w))
	}
	return have == want
}
