package recording

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// ErrNoFrame says that no frame could be cut yet.
var ErrNoFrame = errors.New("incomplete frame")

// Session replays the messages of one connection.
type Session struct {
	protocol *protocol.Protocol
	codec    protocol.Codec
	settings protocol.Settings
}

// NewSession starts a session of a protocol.
func NewSession(p *protocol.Protocol) *Session { return &Session{protocol: p} }

// Codec returns the codec of the session, made for the first record and set up
// for each.
func (s *Session) Codec(r *Record) (protocol.Codec, error) {
	if s.protocol.New == nil {
		return nil, fmt.Errorf("protocol %s is spoken over HTTP only: kind must be http", s.protocol.Name)
	}
	if s.codec == nil {
		s.codec = s.protocol.New(r.Transport(s.protocol))
	}
	if c, ok := s.codec.(protocol.Configurable); ok {
		if settings := r.Settings(); !reflect.DeepEqual(settings, s.settings) {
			c.Configure(settings)
			s.settings = settings
		}
	}
	return s.codec, nil
}

// Decode reads a record of dir decode.
func (s *Session) Decode(r *Record, now time.Time) (data.Packet, error) {
	if r.Kind == "http" {
		if s.protocol.HTTP == nil {
			return data.Packet{}, fmt.Errorf("protocol %s is not spoken over HTTP", s.protocol.Name)
		}
		request, err := r.Request()
		if err != nil {
			return data.Packet{}, err
		}
		return s.protocol.HTTP(request, now)
	}
	b, err := r.Bytes()
	if err != nil {
		return data.Packet{}, err
	}
	codec, err := s.Codec(r)
	if err != nil {
		return data.Packet{}, err
	}
	return codec.Decode(b, now)
}

// Frame cuts the first frame of a record of dir frame, ErrNoFrame if there is
// none yet.
func (s *Session) Frame(r *Record) ([]byte, error) {
	b, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	codec, err := s.Codec(r)
	if err != nil {
		return nil, err
	}
	for {
		frame, n, err := codec.Next(b)
		if err != nil {
			return nil, err
		}
		if frame != nil {
			return frame, nil
		}
		if n == 0 {
			return nil, ErrNoFrame
		}
		b = b[n:]
	}
}

// encodeTime is when the commands of recordings were sent: at 01:02:03 UTC.
var encodeTime = time.Date(2000, 1, 1, 1, 2, 3, 0, time.UTC)

// Encode writes the command of a record of dir encode.
func (s *Session) Encode(r *Record) ([]byte, error) {
	if s.protocol.Encode == nil {
		return nil, fmt.Errorf("protocol %s has no commands: %w", s.protocol.Name, protocol.ErrUnsupported)
	}
	return s.protocol.Encode(data.Command{Type: r.Command, UniqueID: r.DeviceUniqueID, Attributes: r.Attributes}, r.Settings(), encodeTime)
}

// Escape writes the frame of a record of dir frame-encode for the wire.
func (s *Session) Escape(r *Record) ([]byte, error) {
	frame, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	if s.protocol.Escape == nil {
		return frame, nil
	}
	return s.protocol.Escape(nil, frame), nil
}

// Complete fills in the times that a decoder leaves to the server, as tracking
// does: the server's time for a missing device time, the device's time for a
// missing time of the fix.
func Complete(positions []data.Position, now time.Time) {
	for i := range positions {
		p := &positions[i]
		p.ServerTime = now
		if p.DeviceTime.IsZero() {
			p.DeviceTime = now
		}
		if p.FixTime.IsZero() {
			p.FixTime = p.DeviceTime
		}
	}
}

// All returns the positions of a packet and of the packets in it.
func All(p *data.Packet) []data.Position {
	out := p.Positions
	for i := range p.More {
		out = append(out[:len(out):len(out)], All(&p.More[i])...)
	}
	return out
}
