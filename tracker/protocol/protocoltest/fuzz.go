package protocoltest

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// Fuzz sends mutations of the golden messages: as a stream in pieces, and as
// one frame. Nothing may panic, and what is read must be storable.
func Fuzz(f *testing.F, p protocol.Protocol) {
	for _, r := range Records(f) {
		if r.Dir == "encode" {
			continue
		}
		b, err := r.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		if r.Kind == "http" {
			_, query, _ := strings.Cut(r.URL, "?")
			f.Add(append([]byte(query+"\n"), b...), uint16(0), uint8(0))
			continue
		}
		f.Add(b, uint16(len(b)), uint8(r.Transport(&p)))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint16, variant uint8) {
		if p.HTTP != nil {
			fuzzHTTP(t, &p, b)
			return
		}
		transport := first(&p)
		if other := protocol.Transport(variant); other != 0 && p.Transports&other == other {
			transport = other
		}
		settings := settingsOf(variant)
		for _, whole := range []bool{false, true} {
			codec := p.New(transport)
			if c, ok := codec.(protocol.Configurable); ok {
				c.Configure(settings)
			}
			if !whole {
				feed(t, &p, codec, b, int(step))
				continue
			}
			packet, err := codec.Decode(b, arrival)
			checkPacket(t, len(b), &packet, err)
		}
	})
}

// settingsOf picks a model out of those that change the reading of a protocol.
func settingsOf(n uint8) protocol.Settings {
	models := [...]string{"", "FMB920", "FMB640", "NT20", "XT40", "VL103", "LW4G", "SEEWORLD", "R11", "FMB003"}
	return protocol.Settings{"model": models[int(n>>2)%len(models)], "extended": n&0x80 != 0}
}

func fuzzHTTP(t *testing.T, p *protocol.Protocol, b []byte) {
	query, body, _ := strings.Cut(string(b), "\n")
	contentType := "application/x-www-form-urlencoded"
	if strings.HasPrefix(body, "{") {
		contentType = "application/json"
	}
	packet, err := p.HTTP(&protocol.Request{
		Method: "POST", Path: "/", Query: query, ContentType: contentType,
		Header: func(string) string { return "" }, Body: []byte(body),
	}, arrival)
	checkPacket(t, len(b), &packet, err)
}

// checkPacket checks what every packet must keep to, whatever was sent.
func checkPacket(tb testing.TB, size int, packet *data.Packet, err error) {
	tb.Helper()
	if err != nil {
		if err.Error() == "" {
			tb.Fatal("an error without a sentence")
		}
		return
	}
	positions := recording.All(packet)
	if len(positions) > size {
		tb.Fatalf("%d positions out of %d bytes", len(positions), size)
	}
	if len(packet.Reply) > 1024 || len(packet.Refusal) > 1024 {
		tb.Fatalf("an answer of %d bytes", len(packet.Reply))
	}
	for i := range positions {
		checkStorable(tb, &positions[i])
	}
}

func checkStorable(tb testing.TB, p *data.Position) {
	tb.Helper()
	for name, c := range map[string][3]float64{
		"latitude": {p.Latitude, -90, 90}, "longitude": {p.Longitude, -180, 180}, "course": {p.CourseDeg, 0, 360},
		"speed": {p.SpeedKnots, 0, math.MaxFloat64}, "accuracy": {p.AccuracyM, 0, math.MaxFloat64},
		"altitude": {p.AltitudeM, -math.MaxFloat64, math.MaxFloat64},
	} {
		if !(c[0] >= c[1] && c[0] <= c[2]) {
			tb.Fatalf("%s is %v", name, c[0])
		}
	}
	if p.Outdated && (p.Latitude != 0 || p.Longitude != 0 || p.Valid) {
		tb.Fatalf("an outdated report with a place: %s", p.AppendJSON(nil))
	}
	if p.Protocol == "" {
		tb.Fatal("no protocol")
	}
	for _, t := range []struct {
		name string
		year int
		zero bool
	}{{"fix time", p.FixTime.Year(), p.FixTime.IsZero()}, {"device time", p.DeviceTime.Year(), p.DeviceTime.IsZero()}} {
		if !t.zero && (t.year < 1999 || t.year > 2200) {
			tb.Fatalf("%s is in %d", t.name, t.year)
		}
	}
	seen := map[string]bool{}
	for _, a := range p.Attributes {
		if seen[a.Key] {
			tb.Fatalf("attribute %s twice", a.Key)
		}
		seen[a.Key] = true
	}
	if b := p.AppendJSON(nil); !json.Valid(b) {
		tb.Fatalf("not JSON: %s", b)
	}
}
