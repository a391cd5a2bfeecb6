package webhook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

func TestRefusals(t *testing.T) {
	post := func(path, body string) error {
		_, err := read(&protocol.Request{Path: path, Body: []byte(body)}, time.Time{})
		return err
	}
	if err := post(mark, "{}"); !errors.Is(err, protocol.ErrNoIdentity) {
		t.Error(err)
	}
	for _, body := range []string{"", "1", `{"lat":"north"}`, "[1]", "[" + strings.Repeat("{},", maxReports) + "{}]"} {
		if err := post(mark+"x", body); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%.20s: %v", body, err)
		}
	}
}

func TestPublication(t *testing.T) {
	m := &protocol.Message{Topic: "waymark/van/1", Payload: []byte(`{"lat":1,"lon":2,"id":"other"}`)}
	packet, err := publication(m, time.Time{})
	if err != nil || packet.Identity != "van/1" || len(packet.Positions) != 1 || topic(packet.Identity) != m.Topic {
		t.Errorf("%+v, %v", packet, err)
	}
	if packet, err := publication(&protocol.Message{Topic: "waymark/van"}, time.Time{}); err != nil || packet.Identity != "" {
		t.Errorf("an empty payload: %+v, %v", packet, err)
	}
	if device("owntracks/a/b") != "" || device("waymark/") != "" {
		t.Error("topics of others")
	}
}
