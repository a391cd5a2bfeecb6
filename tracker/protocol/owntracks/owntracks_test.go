package owntracks

import (
	"errors"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzRead(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func post(body string) (data.Packet, error) {
	return read(&protocol.Request{Method: "POST", Path: "/", Body: []byte(body)}, now)
}

func TestRefusals(t *testing.T) {
	for body, want := range map[string]error{
		"1": data.ErrInvalid, "[1]": data.ErrInvalid, `{"_type":`: data.ErrInvalid, `{"_type":"location","lat":1,"lon":2}`: protocol.ErrNoIdentity,
	} {
		if _, err := post(body); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", body, err, want)
		}
	}
}

// A location of an unknown device is refused; what is no location is taken,
// else the app would send it for ever.
func TestRefusalStatus(t *testing.T) {
	for body, want := range map[string]int{
		`{"_type":"location","tid":"JJ","lat":1,"lon":2,"tst":1780302600}`: 400, `{"_type":"waypoints"}`: 200, `{}`: 200, ``: 200, `[]`: 200,
	} {
		if packet, err := post(body); err != nil || packet.RefusalStatus != want {
			t.Errorf("%s: %d, %v", body, packet.RefusalStatus, err)
		}
	}
}

// The message may be sent long after the fix.
func TestSent(t *testing.T) {
	packet, err := post(`{"_type":"location","tid":"JJ","lat":1,"lon":2,"tst":1780302600,"sent":1780302700}`)
	if err != nil {
		t.Fatal(err)
	}
	p := packet.Positions[0]
	if p.FixTime.Unix() != 1780302600 || p.DeviceTime.Unix() != 1780302700 {
		t.Errorf("fix %s, device %s", p.FixTime, p.DeviceTime)
	}
}

// Apps escape slashes, write numbers as text or with decimals, and repeat keys.
func TestWaysOfWriting(t *testing.T) {
	packet, err := post(`[{"_type":"location","lat":9,"topic":"owntracks\/jane\/phone","lat":" 1.5","lon":25e-1,"tst":1780302600.0,"SSID":"Caf\u00e9",` +
		`"inregions":["home",1,"town"],"adda-01":2.5,"adda-1":3,"temp_c-00":"-4","unknown":{"a":[{}]},"vel":null}]`)
	if err != nil || packet.Identity != "owntracks/jane/phone" {
		t.Fatalf("%+v, %v", packet, err)
	}
	p := packet.Positions[0]
	if p.Latitude != 1.5 || p.Longitude != 2.5 || p.FixTime.Unix() != 1780302600 || p.SpeedKnots != 0 {
		t.Errorf("%+v", p)
	}
	if have, want := string(p.Attributes.AppendJSON(nil)), `{"wifi":"Café","geofence":"home,town","adc2":2.5,"temp1":-4.0}`; have != want {
		t.Errorf("%s, want %s", have, want)
	}
}

// location is what the app sends most.
const location = `{"cog":271,"lon":2.29513,"acc":5,"vel":61,"vac":21,"lat":48.85833,"tst":1497349316,"alt":167,"_type":"location",` +
	`"tid":"JJ","t":"u","batt":67}`

func TestAllocations(t *testing.T) {
	const most = 10
	if n := testing.AllocsPerRun(100, func() { _, _ = post(location) }); n > most {
		t.Errorf("%v allocations for a location, at most %d", n, most)
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := post(location); err != nil {
			b.Fatal(err)
		}
	}
}
