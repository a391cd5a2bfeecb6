package tracking_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/eclipse/paho.golang/paho"

	"github.com/waymark-gps/waymark/data"
)

// phone is an OwnTracks app at the broker.
type phone struct {
	t *testing.T
	*paho.Client
	topic string
	got   chan string
}

func (r *running) phone(t *testing.T, topic, token string) *phone {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr["mqtt/mqtt"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &phone{t: t, topic: topic, got: make(chan string, 16)}
	p.Client = paho.NewClient(paho.ClientConfig{
		Conn: conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(r paho.PublishReceived) (bool, error) { p.got <- string(r.Packet.Payload); return true, nil },
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ack, err := p.Connect(ctx, &paho.Connect{
		KeepAlive: 30, ClientID: topic, CleanStart: true, UsernameFlag: true, Username: topic, PasswordFlag: true, Password: []byte(token),
	})
	if err != nil || ack.ReasonCode != 0 {
		t.Fatalf("%v, %+v", err, ack)
	}
	return p
}

func (p *phone) listen() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, err := p.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: p.topic + "/cmd", QoS: 1}}})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *phone) report(unix int64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if _, err := p.Publish(ctx, &paho.Publish{QoS: 1, Topic: p.topic, Payload: fmt.Appendf(nil, `{"_type":"location","lat":1,"lon":2,"tst":%d}`, unix)}); err != nil {
		p.t.Fatal(err)
	}
}

// TestCommandOverMQTT is published to the phone as soon as it listens, is
// acknowledged by the protocol and confirmed by the next position.
func TestCommandOverMQTT(t *testing.T) {
	w := newWorld(t)
	tracker, b := w.start(), openBus(t, w.nats)
	d := w.device("owntracks/jane/phone")
	d.Attributes = map[string]any{"ingest.token": "secret"}
	if err := w.store.UpdateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	c := w.queue(b, d, "positionSingle", nil)
	p := tracker.phone(t, d.UniqueID, "secret")
	at := w.time().Unix()
	p.report(at - 60)
	if now := w.wait(c, data.CommandQueued); !now.SentAt.IsZero() {
		t.Error("sent to a phone that does not listen")
	}
	p.listen()
	p.report(at - 30)
	if got := <-p.got; got != `{"_type":"cmd","action":"reportLocation"}` {
		t.Errorf("the phone got %s", got)
	}
	w.wait(c, data.CommandAcknowledged)
	w.advance(1e9)
	p.report(at + 1)
	w.wait(c, data.CommandConfirmed)
	if got := w.states(c); got != "queued sent acknowledged confirmed" {
		t.Errorf("states %s", got)
	}
	// From now on it is reached at any time.
	w.queue(b, d, "positionPeriodic", nil, data.Attribute{Key: "frequency", Value: data.Int(30)})
	if got := <-p.got; got != `{"_type":"cmd","action":"setConfiguration","configuration":{"_type":"configuration","locatorInterval":30,"moveModeLocatorInterval":30}}` {
		t.Errorf("the phone got %s", got)
	}
}
