package protocoltest

import (
	"math"
	"reflect"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// Corners are p in every corner of the world, on a grid of 5 millionths of a
// degree, and in one place whose minutes round up.
func Corners(p data.Position) []data.Position {
	places := [][2]float64{{52.520005, 13.404955}, {-33.5, 151.25}, {-0.000005, -0.00001}, {89.99999, -179.999995}, {7.999995, 0}}
	out := make([]data.Position, len(places))
	for i, at := range places {
		out[i] = p
		out[i].Latitude, out[i].Longitude = at[0], at[1]
	}
	return out
}

// SamePosition compares a position that was written as a frame and read back:
// places to a billionth of a degree, speeds to a km/h, all else exactly.
func SamePosition(tb testing.TB, have, want data.Position) {
	tb.Helper()
	have.SpeedKnots, want.SpeedKnots = math.Round(converters.KmhFromKnots(have.SpeedKnots)), math.Round(converters.KmhFromKnots(want.SpeedKnots))
	if math.Abs(have.Latitude-want.Latitude) > 1e-9 || math.Abs(have.Longitude-want.Longitude) > 1e-9 {
		tb.Errorf("at %.9f, %.9f, want %.9f, %.9f", have.Latitude, have.Longitude, want.Latitude, want.Longitude)
	}
	have.Latitude, have.Longitude, want.Latitude, want.Longitude = 0, 0, 0, 0
	if !reflect.DeepEqual(have, want) {
		tb.Errorf("read\n%+v, want\n%+v", have, want)
	}
}

// ReadFrame reads one frame as the server does.
func ReadFrame(tb testing.TB, p protocol.Protocol, b []byte) data.Packet {
	tb.Helper()
	c := p.New(protocol.TCP)
	frame, n, err := c.Next(b)
	if err != nil || n != len(b) {
		tb.Fatalf("cut %d of %d bytes: %v", n, len(b), err)
	}
	packet, err := c.Decode(frame, arrival)
	if err != nil {
		tb.Fatal(err)
	}
	return packet
}

// ReadPosition reads a frame that holds one position.
func ReadPosition(tb testing.TB, p protocol.Protocol, frame []byte) data.Position {
	tb.Helper()
	packet := ReadFrame(tb, p, frame)
	if len(packet.Positions) != 1 {
		tb.Fatalf("%d positions in %q", len(packet.Positions), frame)
	}
	return packet.Positions[0]
}
