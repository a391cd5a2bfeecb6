package tracking

import (
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/waymark-gps/waymark/data"
)

// home is somebody's own broker. It lets in who knows the password.
type home struct {
	mqtt.HookBase
	*mqtt.Server
	addr    string
	refused atomic.Int64
}

func (*home) Provides(b byte) bool { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck }

func (h *home) OnConnectAuthenticate(_ *mqtt.Client, pk packets.Packet) bool {
	ok := string(pk.Connect.Username) == "me" && string(pk.Connect.Password) == "mine"
	if !ok {
		h.refused.Add(1)
	}
	return ok
}

func (*home) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

func atHome(t *testing.T) *home {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &home{Server: mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)}), addr: l.Addr().String()}
	if err := h.AddHook(h, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.AddListener(listeners.NewNet("home", l)); err != nil {
		t.Fatal(err)
	}
	if err := h.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// reads makes a tracker that reads the broker.
func (h *home) reads(c *Config) {
	c.MQTTClient.URL, c.MQTTClient.Username, c.MQTTClient.Password = "mqtt://"+h.addr, "me", "mine"
}

// waiting counts the publications that our session there has not acknowledged;
// -1 while there is no session with subscriptions.
func (h *home) waiting() int {
	cl, ok := h.Clients.Get("waymark")
	if !ok || cl.State.Subscriptions.Len() == 0 {
		return -1
	}
	return cl.State.Inflight.Len()
}

func (h *home) sender(t *testing.T) *publisher {
	t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	p, code := sign(t, conn, "me", "mine", "sender", "")
	if code != 0 {
		t.Fatalf("reason %#x", code)
	}
	return p
}

func TestMQTTClientAcknowledgesWhenDurable(t *testing.T) {
	h, hold := atHome(t), make(chan struct{})
	r := phones(t, func(c *Config, r *rig) { h.reads(c); r.bus.hold = hold })
	until(t, "the subscription", func() bool { return h.waiting() == 0 })
	p := h.sender(t)
	p.publish(jane, location) // her token is not asked for: the broker knows its users
	until(t, "the position", func() bool { return len(r.bus.positions()) == 1 })
	p.publish("elsewhere", "not ours")
	if n := h.waiting(); n != 1 {
		t.Errorf("%d unacknowledged while the disk is busy", n)
	}
	close(hold)
	until(t, "the acknowledgement", func() bool { return h.waiting() == 0 })
	p.publish("waymark/nobody", "{}")
	p.publish("owntracks/jane/phone", "no JSON")
	p.publish(jane, location)
	until(t, "what comes after what is of no use", func() bool { return len(r.bus.positions()) == 2 && h.waiting() == 0 })
	if at := r.bus.positions(); at[0].DeviceID != janeID || at[0].Protocol != "owntracks" {
		t.Errorf("%+v", at)
	}
	r.stop()
	if s := r.store.strangers; len(s) != 1 || s[0].UniqueID != "nobody" || s[0].Protocol != "webhook" || !strings.Contains(s[0].Address, "127.0.0.1") {
		t.Errorf("strangers: %+v", s)
	}
}

// What comes while the tracker is away, or cannot be kept, comes again.
func TestMQTTClientLosesNothing(t *testing.T) {
	h := atHome(t)
	broken := phones(t, func(c *Config, r *rig) { h.reads(c); r.bus.err = data.ErrUnavailable })
	until(t, "the subscription", func() bool { return h.waiting() == 0 })
	p := h.sender(t)
	p.publish(jane, location)
	until(t, "the attempt", func() bool { return len(broken.bus.positions()) > 0 })
	broken.stop()
	p.publish(john, location)
	p.publish("waymark/anna", `{"lat":1,"lon":2}`)
	until(t, "the broker to keep them", func() bool { return h.waiting() == 3 })
	r := phones(t, func(c *Config, _ *rig) { h.reads(c) })
	until(t, "what was missed", func() bool { return len(r.bus.positions()) == 3 && h.waiting() == 0 })
}

func TestMQTTClientTriesAgain(t *testing.T) {
	h := atHome(t)
	phones(t, func(c *Config, _ *rig) { h.reads(c); c.MQTTClient.Password = "wrong" })
	until(t, "the second attempt", func() bool { return h.refused.Load() > 1 })
}

func TestMQTTClientSettings(t *testing.T) {
	for url, ok := range map[string]bool{
		"": true, "mqtt://broker:1883": true, "mqtts://broker": true, "broker:1883": false, "http://broker": false, "mqtt://me:mine@broker": false, "mqtt://": false,
	} {
		c := defaultMQTTClient()
		c.URL = url
		if err := c.validate(); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
		if err := c.validate(); err != nil && strings.Contains(err.Error(), "mine") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
