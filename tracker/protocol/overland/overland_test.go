package overland

import (
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzRead(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

// BenchmarkRead reads a batch of points as the app sends them.
func BenchmarkRead(b *testing.B) {
	const points = 100
	const point = `{"type":"Feature","geometry":{"type":"Point","coordinates":[13.404954,52.520008]},"properties":{` +
		`"timestamp":"2026-06-01T08:30:00Z","altitude":34,"speed":15,"course":91,"horizontal_accuracy":5,"vertical_accuracy":4,` +
		`"speed_accuracy":1,"course_accuracy":2,"motion":["driving"],"battery_state":"unplugged","battery_level":0.8,"wifi":"home","device_id":"jane"}}`
	body := []byte(`{"locations":[` + strings.Repeat(point+",", points-1) + point + `]}`)
	b.ReportAllocs()
	for b.Loop() {
		packet, err := read(&protocol.Request{Method: "POST", Body: body}, time.Time{})
		if err != nil || len(packet.Positions) != points {
			b.Fatal(len(packet.Positions), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/points, "ns/position")
}
