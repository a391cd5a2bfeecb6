package transport

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

func TestNarrow(t *testing.T) {
	const topic = "owntracks/jane/phone"
	for filter, want := range map[string]string{
		"#": topic + "/#", "owntracks/#": topic + "/#", "owntracks/+/+": topic, "+/+/+": topic, "owntracks/jane/+": topic,
		"owntracks/+/+/event": topic + "/event", "owntracks/+/+/+": topic + "/+", "owntracks/+/+/#": topic + "/#",
		"owntracks/+": "", "owntracks/john/+": "", "waymark/+": "", "$SYS/#": "", "+": "", "owntracks/john/#": "",
	} {
		if have := Narrow(filter, topic); have != want {
			t.Errorf("%s: %q, want %q", filter, have, want)
		}
	}
	if have := Narrow("#", ""); have != "" {
		t.Errorf("without a topic: %q", have)
	}
}

// everybody lets everybody in, and panics when it is told to.
type everybody struct{}

func (everybody) Connect(context.Context, Client, string, []byte) (string, bool) { return "a", true }
func (everybody) Reads(context.Context, Client, string) bool                     { return true }
func (everybody) Acknowledged(context.Context, string)                           {}
func (everybody) Publish(_ context.Context, _ Client, _ string, payload []byte) error {
	if string(payload) == "boom" {
		panic("boom")
	}
	return ErrRefused
}

type uncounted struct{}

func (uncounted) Connected(int)  {}
func (uncounted) Refused()       {}
func (uncounted) Bytes(int, int) {}

// serve starts a broker and returns its address.
func serve(t *testing.T, change func(*Limits)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lim := DefaultLimits
	if change != nil {
		change(&lim)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- ServeMQTT(ctx, []net.Listener{l}, everybody{}, &MQTTSender{}, lim, &Pool{}, uncounted{}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func connect(t *testing.T, addr string, keepalive uint16) (*paho.Client, *paho.Connack, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	c := paho.NewClient(paho.ClientConfig{Conn: dial(t, addr)})
	ack, err := c.Connect(ctx, &paho.Connect{KeepAlive: keepalive, CleanStart: true})
	if err != nil {
		t.Fatal(err)
	}
	return c, ack, ctx
}

// Who connects and says nothing, or no MQTT, is not waited for.
func TestMQTTSilence(t *testing.T) {
	addr := serve(t, func(l *Limits) { l.Greeting = 50 * time.Millisecond })
	for _, first := range []string{"", "\x10\x20\x00", "GET / HTTP/1.1\r\n\r\n"} {
		conn := dial(t, addr)
		conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%q: %v; want the connection closed", first, err)
		}
	}
}

// A client that asks for no limit of silence gets one, and stays.
func TestMQTTKeepalive(t *testing.T) {
	addr := serve(t, func(l *Limits) { l.Greeting = time.Second })
	for asked, want := range map[uint16]uint16{0: maxKeepalive, 65535: maxKeepalive} {
		_, ack, _ := connect(t, addr, asked)
		if ack.Properties == nil || ack.Properties.ServerKeepAlive == nil || *ack.Properties.ServerKeepAlive != want {
			t.Errorf("asked for %d: %+v", asked, ack.Properties)
		}
	}
}

func TestMQTTTooManySubscriptions(t *testing.T) {
	c, _, ctx := connect(t, serve(t, nil), 30)
	for i := range maxSubscriptions + 1 {
		ack, _ := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: fmt.Sprint("a/", i)}}})
		if ack == nil || len(ack.Reasons) != 1 {
			t.Fatalf("no answer to subscription %d", i)
		}
		if refused := ack.Reasons[0] >= 0x80; refused != (i == maxSubscriptions) {
			t.Errorf("subscription %d: reason %#x", i, ack.Reasons[0])
		}
	}
}

// Who is refused again and again is closed, and so is who meets a bug; others
// are not hurt.
func TestMQTTEndsBadConnections(t *testing.T) {
	addr := serve(t, nil)
	stays, _, ctx := connect(t, addr, 30)
	for name, payloads := range map[string][]string{"refused": make([]string, maxRefusals), "bug": {"boom"}} {
		c, _, ctx := connect(t, addr, 30)
		for _, payload := range payloads {
			if _, err := c.Publish(ctx, &paho.Publish{QoS: 0, Topic: "a", Payload: []byte(payload)}); err != nil {
				break
			}
		}
		select {
		case <-c.Done():
		case <-ctx.Done():
			t.Errorf("%s: the connection stays", name)
		}
	}
	if ack, _ := stays.Publish(ctx, &paho.Publish{QoS: 1, Topic: "a"}); ack == nil || ack.ReasonCode != 0x87 {
		t.Errorf("the other connection: %+v", ack)
	}
}
