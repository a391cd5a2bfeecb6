package tracking_test

import (
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/tracking"
)

// theirs is a broker of the owner's own. It lets everybody in, and says when
// nobody reads what is published, as the common ones do.
type theirs struct {
	mqtt.HookBase
	*mqtt.Server
	addr string
	stop func()
}

// startTheirs starts a broker at an address it had before, or at a new one. Of
// what it knew before it was stopped it remembers nothing.
func startTheirs(t *testing.T, addr string) *theirs {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	b := &theirs{Server: mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)}), addr: l.Addr().String()}
	if err := b.AddHook(b, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.AddListener(listeners.NewNet("theirs", l)); err != nil {
		t.Fatal(err)
	}
	if err := b.Serve(); err != nil {
		t.Fatal(err)
	}
	b.stop = sync.OnceFunc(func() { b.Close() })
	t.Cleanup(b.stop)
	return b
}

func (*theirs) ID() string { return "theirs" }

func (*theirs) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck || b == mqtt.OnPublish || b == mqtt.OnPacketEncode
}

func (*theirs) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (*theirs) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

func (b *theirs) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	for id, s := range b.Topics.Subscribers(pk.TopicName).Subscriptions {
		if !s.NoLocal || id != cl.ID {
			return pk, nil
		}
	}
	return pk, packets.CodeNoMatchingSubscribers
}

// OnPacketEncode lets that answer out: the server leaves out a reason that is no
// error unless a text goes with it.
func (*theirs) OnPacketEncode(_ *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type == packets.Puback && pk.ReasonCode == packets.CodeNoMatchingSubscribers.Code {
		pk.Properties.ReasonString = packets.CodeNoMatchingSubscribers.Reason
	}
	return pk
}

// read tells whether a tracker reads its topics.
func (b *theirs) read() bool {
	cl, ok := b.Clients.Get("waymark")
	return ok && !cl.Closed() && cl.State.Subscriptions.Len() > 0
}

// phone connects a phone.
func (b *theirs) phone(t *testing.T, topic string) *phone {
	t.Helper()
	return (&running{addr: map[string]string{"mqtt/mqtt": b.addr}}).phone(t, topic, "whatever")
}

// heard is the next message for the phone.
func (p *phone) heard() string {
	select {
	case text := <-p.got:
		return text
	case <-time.After(patience):
		return "nothing"
	}
}

// TestCommandOverTheirBroker sends commands by a broker that the owner runs: not
// while nobody reads them there, to the phone once it does, and, when the broker
// was gone, what waited meanwhile once it and the phone are back.
func TestCommandOverTheirBroker(t *testing.T) {
	const request = `{"_type":"cmd","action":"reportLocation"}`
	w, b := newWorld(t), startTheirs(t, "127.0.0.1:0")
	w.start(func(c *tracking.Config) { c.MQTTClient.URL = "mqtt://" + b.addr })
	subscribed := func() {
		w.eventually(func() bool { return b.read() }, func() string { return "the tracker does not read the topics" })
	}
	subscribed()
	queue, d, at := openBus(t, w.nats), w.device("owntracks/jane/phone"), w.time().Unix()

	p := b.phone(t, d.UniqueID)
	c := w.queue(queue, d, "positionSingle", nil)
	w.eventually(func() bool { p.report(at - 60); return strings.HasPrefix(w.states(c), "queued sent queued") },
		func() string { return "although nobody reads it: " + w.states(c) })
	p.listen()
	w.reaches(c, data.CommandSent, func() { p.report(at - 30) })
	if text := p.heard(); text != request {
		t.Errorf("the phone got %s", text)
	}
	w.advance(time.Second)
	p.report(at + 1)
	w.wait(c, data.CommandConfirmed)

	b.stop()
	c = w.queue(queue, d, "positionSingle", nil)
	b = startTheirs(t, b.addr)
	subscribed()
	w.wait(c, data.CommandQueued)
	p = b.phone(t, d.UniqueID)
	p.listen()
	w.reaches(c, data.CommandSent, func() { p.report(at - 10) })
	if text := p.heard(); text != request {
		t.Errorf("after the broker was gone the phone got %s", text)
	}
	w.advance(2 * time.Second)
	p.report(at + 3)
	w.wait(c, data.CommandConfirmed)
	select {
	case text := <-p.got:
		t.Errorf("and again: %s", text)
	default:
	}
}
