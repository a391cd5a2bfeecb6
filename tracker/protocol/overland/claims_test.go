package overland

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

func TestClaims(t *testing.T) {
	for body, want := range map[string]bool{`{"locations":[]}`: true, `{"trip":{"x":[1,{"locations":1}]},"locations":[]}`: true, `{"_type":"location"}`: false, `{"a":{"locations":1}}`: false, "": false, `{"loc`: false} {
		if have := claims(&protocol.Request{Path: "/", Body: []byte(body)}); have != want {
			t.Errorf("%s: %v", body, have)
		}
	}
}

func TestRefusals(t *testing.T) {
	for body, want := range map[string]error{
		"": data.ErrInvalid, "[]": data.ErrInvalid, `{"locations":[1]}`: data.ErrInvalid, `{"locations":[{"properties":{}}]}`: protocol.ErrNoIdentity,
		`{"locations":[` + strings.Repeat(`{"properties":{"device_id":"a"}},`, maxPoints) + "{}]}": data.ErrInvalid,
	} {
		if _, err := read(&protocol.Request{Body: []byte(body)}, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%.30s: %v, want %v", body, err, want)
		}
	}
}

// Each device of a batch is a packet of its own, in the order of the points.
func TestSeveralDevices(t *testing.T) {
	const point = `{"geometry":{"coordinates":[2,1]},"properties":{"device_id":"ID"}}`
	body := `{"locations":[` + strings.Replace(point, "ID", "a", 1) + "," + strings.Replace(point, "ID", "b", 1) + "," + strings.Replace(point, "ID", "a", 1) + "]}"
	packet, err := read(&protocol.Request{Body: []byte(body)}, time.Time{})
	if err != nil || packet.Identity != "a" || len(packet.Positions) != 2 || len(packet.More) != 1 || packet.More[0].Identity != "b" {
		t.Errorf("%+v, %v", packet, err)
	}
}
