package tracking

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// TestSettingsChangeAtOnce: a device that stays connected is read with the
// settings that it has now.
func TestSettingsChangeAtOnce(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID late\nP 1\n")
	c.want("HELLO late", "OK 1")
	change := func(d data.Device) {
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		r.store.devices["late"] = d
	}
	change(data.Device{ID: 13, UniqueID: "late", Attributes: map[string]any{"decoder.offset": 200}})
	c.send("P 1\nP 2\n")
	c.want("OK 1", "OK 2")
	change(data.Device{ID: 13, UniqueID: "late"})
	c.send("P 3\n")
	c.want("OK 3")
	want := []time.Duration{101, 201, 202, 3}
	for i, p := range r.bus.positions() {
		if at := base.Add(want[i] * time.Second); !p.FixTime.Equal(at) {
			t.Errorf("position %d at %v, want %v", i, p.FixTime, at)
		}
	}
}

// TestOtherName: a device is found under either of its names, first under the
// first.
func TestOtherName(t *testing.T) {
	r := start(t, nil)
	for line, want := range map[string]string{
		"ALIAS anna late":  "HELLO",
		"ALIAS other anna": "HELLO",
		"ALIAS other more": "NO",
	} {
		c := dial(t, "tcp", r.addr["line/tcp"])
		c.send(line + "\n")
		c.want(want)
		if want == "HELLO" {
			c.send("P 1\n")
			c.want("OK 1")
		}
	}
	for _, p := range r.bus.positions() {
		if p.DeviceID != 11 {
			t.Errorf("a position of device %d", p.DeviceID)
		}
	}
}

func TestAddresses(t *testing.T) {
	var a addresses
	now := base
	p := &protocol.Protocol{Name: "line"}
	who := func(remote string) string {
		packet := data.Packet{}
		a.identify(p, remote, &packet, now)
		return packet.Identity
	}
	a.identify(p, "1:1", &data.Packet{Identity: "anna"}, now)
	a.identify(&protocol.Protocol{Name: "other"}, "1:2", &data.Packet{Identity: "x"}, now)
	if got := who("1:1") + who("1:2"); got != "anna" {
		t.Errorf("known as %q", got)
	}
	for i := range 3 * maxAddresses {
		a.identify(p, fmt.Sprint("2:", i), &data.Packet{Identity: "many"}, now)
	}
	if n := len(a.newer) + len(a.old); n > 2*maxAddresses {
		t.Errorf("%d addresses are kept", n)
	}
	a.identify(p, "1:1", &data.Packet{Identity: "anna"}, now)
	now = now.Add(addressAge)
	if got := who("1:1"); got != "" {
		t.Errorf("after an hour still %q", got)
	}
}
