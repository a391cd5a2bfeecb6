package protocoltest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// Routed is what became of a record that was the first thing a peer sent.
type Routed struct {
	Record recording.Record
	// To is the protocol that was chosen, "" if none.
	To string
	// Guesses are the protocols that fit.
	Guesses []string
	// Late says that the choice was made only when nothing more came.
	Late bool
	// WrongPlace says that another protocol was chosen and reads a place that is
	// not the expected one.
	WrongPlace bool
}

func (r Routed) String() string {
	return fmt.Sprintf("%s %d (%s): to %q, guesses %v, wrong place %t: %.60q", r.Record.Session, r.Record.Seq, r.Record.Dir, r.To, r.Guesses, r.WrongPlace, r.Record.Data)
}

// Right tells whether the record went to its protocol.
func (r Routed) Right() bool { return r.To == r.Record.Protocol }

// delimiters end the messages of protocols whose records may have lost them.
var delimiters = map[string]string{
	"gps103": ";", "minifinder": ";", "t55": "\r\n", "wialon": "\r\n", "totem": "\r\n", "xexun": "\r\n",
}

// Wire returns a record's message as a device sends it: with its delimiter and
// its escapes. ok is false for records that no device
// sends, and for preludes, which are copies of others.
func Wire(p *protocol.Protocol, r *recording.Record) (b []byte, ok bool, err error) {
	if r.Prelude || r.Dir != "decode" && (r.Dir != "frame" || r.Frame == nil) || r.Kind == "http" {
		return nil, false, nil
	}
	if b, err = r.Bytes(); err != nil {
		return nil, false, err
	}
	if r.Framed {
		b = append(b, delimiters[p.Name]...)
	}
	if r.Dir == "decode" && p.Escape != nil {
		b = p.Escape(nil, b)
	}
	return b, true, nil
}

// Route gives each record's message to protocol.Recognise as the first bytes of
// a peer.
func Route(list []protocol.Protocol, p *protocol.Protocol, records []recording.Record, now time.Time) (out []Routed, err error) {
	for _, r := range records {
		if r.Kind == "http" && r.Dir == "decode" {
			request, err := r.Request()
			if err != nil {
				return nil, err
			}
			out = append(out, Routed{Record: r, To: claimed(list, request)})
			continue
		}
		b, ok, err := Wire(p, &r)
		if err != nil {
			return nil, fmt.Errorf("record %s %d: %w", r.Session, r.Seq, err)
		}
		if !ok {
			continue
		}
		tr := r.Transport(p)
		guess := protocol.Recognise(list, b, tr, now, tr == protocol.UDP)
		late := guess.Protocol == nil && tr != protocol.UDP
		if late {
			guess = protocol.Recognise(list, b, tr, now, true)
		}
		routed := Routed{Record: r, To: name(guess), Guesses: guess.Names, Late: late && guess.Protocol != nil}
		routed.WrongPlace = guess.Protocol != nil && !routed.Right() && wrongPlace(guess.Protocol, p, b, &r, now)
		out = append(out, routed)
	}
	return out, nil
}

// claimed is the protocol of a request on the shared port.
func claimed(list []protocol.Protocol, r *protocol.Request) (shared string) {
	for i := range list {
		switch p := &list[i]; {
		case p.HTTP == nil || p.Phone == nil:
		case p.Phone.Claims != nil && p.Phone.Claims(r):
			return p.Name
		case p.Phone.Shared:
			shared = p.Name
		}
	}
	return shared
}

func name(g protocol.Guess) string {
	if g.Protocol == nil {
		return ""
	}
	return g.Protocol.Name
}

// wrongPlace tells whether a protocol reads a place out of a message of
// another that is neither the expected one nor the one its own protocol reads.
func wrongPlace(p, own *protocol.Protocol, b []byte, r *recording.Record, now time.Time) bool {
	want := places(own, b, r, now)
	for _, at := range places(p, b, r, now) {
		same := func(latitude, longitude float64) bool {
			return math.Abs(at.Latitude-latitude) < coordinateTolerance && math.Abs(at.Longitude-longitude) < coordinateTolerance
		}
		known := r.Lat != nil && r.Lon != nil && same(*r.Lat, *r.Lon)
		if !known && !slices.ContainsFunc(want, func(w data.Position) bool { return same(w.Latitude, w.Longitude) }) {
			return true
		}
	}
	return false
}

// places are what a protocol reads out of bytes.
func places(p *protocol.Protocol, b []byte, r *recording.Record, now time.Time) (out []data.Position) {
	codec := p.New(r.Transport(p))
	for len(b) > 0 {
		frame, n, err := codec.Next(b)
		if err != nil || n == 0 {
			return out
		}
		b = b[n:]
		if frame == nil {
			continue
		}
		if packet, err := codec.Decode(frame, now); err == nil {
			out = append(out, recording.All(&packet)...)
		}
	}
	return slices.DeleteFunc(out, func(at data.Position) bool { return at.Outdated })
}
