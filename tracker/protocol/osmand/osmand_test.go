package osmand

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzRead(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func get(query string) (data.Packet, error) {
	return read(&protocol.Request{Method: "GET", Path: "/", Query: query}, now)
}

func post(contentType, body string) (data.Packet, error) {
	return read(&protocol.Request{Method: "POST", Path: "/", ContentType: contentType, Body: []byte(body)}, now)
}

func TestRefusals(t *testing.T) {
	for query, want := range map[string]error{
		"":                                protocol.ErrNoIdentity,
		"lat=1&lon=2":                     protocol.ErrNoIdentity,
		"id=&lat=1&lon=2":                 protocol.ErrNoIdentity,
		"id=1&lat=north":                  data.ErrInvalid,
		"id=1&lat=NaN&lon=1":              data.ErrInvalid,
		"id=1&timestamp=yesterday":        data.ErrInvalid,
		"id=%zz":                          data.ErrInvalid,
		"id=1" + strings.Repeat("&", 201): data.ErrInvalid,
	} {
		if _, err := get(query); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", query, err, want)
		}
	}
	for body, want := range map[string]error{
		"{}":                   protocol.ErrNoIdentity,
		`{"device_id":""}`:     protocol.ErrNoIdentity,
		"[]":                   data.ErrInvalid,
		`{"device_id":"1"`:     data.ErrInvalid,
		`{"location":{"a":1}}`: protocol.ErrNoIdentity,
		`{"device_id":"1","location":{"timestamp":"x"}}`: data.ErrInvalid,
	} {
		if _, err := post("application/json; charset=utf-8", body); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", body, err, want)
		}
	}
}

// A value that cannot be read costs neither the place nor the time.
func TestDoubtfulValues(t *testing.T) {
	for _, more := range []string{
		"speed=NaN", "speed=&accuracy=", "altitude=high", "bearing=N", "hdop=?", "batt=full", "cell=262,2", "cell=a,b,c,d", "wifi=aa,strong", "valid=", "timestamp=", "=",
	} {
		packet, err := get("id=1&lat=1.5&lon=2.5&timestamp=1780302600&" + more)
		if err != nil {
			t.Errorf("%s: %v", more, err)
			continue
		}
		if p := packet.Positions[0]; p.Latitude != 1.5 || !p.Valid || p.FixTime.Unix() != 1780302600 || p.SpeedKnots != 0 || p.AltitudeM != 0 || len(p.Attributes) > 0 {
			t.Errorf("%s: %+v", more, p)
		}
	}
	for _, more := range []string{`"activity":null`, `"battery":[1]`, `"coords2":{}`, `"extras":[1]`, `"is_moving":"yes"`, `"odometer":"far"`} {
		packet, err := post("application/json", `{"device_id":"1","location":{"coords":{"latitude":1.5,"longitude":2.5,"speed":null},"timestamp":1780302600,`+more+`}}`)
		if err != nil || packet.Positions[0].Latitude != 1.5 || packet.Positions[0].FixTime.Unix() != 1780302600 || len(packet.Positions[0].Attributes) > 0 {
			t.Errorf("%s: %+v, %v", more, packet, err)
		}
	}
}

// Apps tell an unknown device from a bad request by the status.
func TestRefusalStatus(t *testing.T) {
	form, err := get("id=1&lat=1&lon=2")
	if err != nil || form.RefusalStatus != 400 {
		t.Errorf("form: %d, %v", form.RefusalStatus, err)
	}
	app, err := post("application/json", `{"device_id":1}`)
	if err != nil || app.RefusalStatus != 0 || app.Identity != "1" {
		t.Errorf("JSON: %+v, %v", app, err)
	}
}

func TestQueryWinsOverBody(t *testing.T) {
	p, err := read(&protocol.Request{Method: "POST", Query: "id=query&lat=1&lon=2", Body: []byte("id=body")}, now)
	if err != nil || p.Identity != "query" {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = post("application/x-www-form-urlencoded", "deviceid=body&location=1%2C2")
	if err != nil || p.Identity != "body" || p.Positions[0].Longitude != 2 {
		t.Errorf("%+v, %v", p, err)
	}
}

// The same request reads the same every time: its fingerprint depends on it.
func TestOrderIsStable(t *testing.T) {
	const body = `{"device_id":"1","location":{"extras":{"z":1,"a":2,"m":true,"n":null,"o":{"x":1},"b":"t"}}}`
	want, err := post("application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(want.Positions[0].Attributes.AppendJSON(nil)); text != `{"z":1,"a":2,"m":true,"b":"t"}` {
		t.Error(text)
	}
	for range 20 {
		have, _ := post("application/json", body)
		if have.Positions[0].Fingerprint() != want.Positions[0].Fingerprint() {
			t.Fatal("another fingerprint")
		}
	}
}

func TestDeviceRoundTrip(t *testing.T) {
	want := data.Position{
		FixTime: time.Date(2026, 6, 1, 8, 30, 0, 5e6, time.UTC), Valid: true,
		Latitude: -37.8136276, Longitude: 144.9630576, AltitudeM: 31, SpeedKnots: 2.5, CourseDeg: 91, AccuracyM: 4,
	}
	want.Attributes.SetFloat("batteryLevel", 81)
	want.Attributes.SetBool("charge", true)
	want.Attributes.SetString("note", "a b&c=d%")
	packet, err := get(string(AppendQuery(nil, "phone 1&2", &want)))
	if err != nil {
		t.Fatal(err)
	}
	have := packet.Positions[0]
	if packet.Identity != "phone 1&2" || !have.FixTime.Equal(want.FixTime) || have.Latitude != want.Latitude ||
		have.Longitude != want.Longitude || have.SpeedKnots != 2.5 || have.CourseDeg != 91 || have.AccuracyM != 4 || !have.Valid {
		t.Errorf("%q: %+v", packet.Identity, have)
	}
	for _, a := range want.Attributes {
		if have.Attributes.Get(a.Key) != a.Value {
			t.Errorf("%s is %v", a.Key, have.Attributes.Get(a.Key))
		}
	}
}

func BenchmarkForm(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := get("id=902064&lat=42.06288&lon=-88.23412&timestamp=2016-01-27T18%3A55%3A47Z&hdop=6.0&altitude=224.0&speed=0.0&batt=80&charge=true"); err != nil {
			b.Fatal(err)
		}
	}
}

// app is what an app sends most.
const app = `{"device_id":"48241179","location":{"timestamp":"2025-06-15T13:45:12.862Z","coords":{"latitude":37.4219983,` +
	`"longitude":-122.084,"accuracy":5,"speed":0,"heading":-1,"altitude":5},"is_moving":false,"odometer":0,` +
	`"event":"motionchange","battery":{"level":1,"is_charging":false},"activity":{"type":"still"}}}`

func TestAllocations(t *testing.T) {
	const most = 8
	if n := testing.AllocsPerRun(100, func() { _, _ = post("application/json", app) }); n > most {
		t.Errorf("%v allocations for a report, at most %d", n, most)
	}
}

func BenchmarkJSON(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := post("application/json", app); err != nil {
			b.Fatal(err)
		}
	}
}
