package tracking

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"golang.org/x/crypto/nacl/secretbox"

	"github.com/waymark-gps/waymark/data"
)

// sealed encrypts as the OwnTracks apps do.
func sealed(t *testing.T, secret, plain string) string {
	t.Helper()
	var key [32]byte
	copy(key[:], secret)
	var nonce [24]byte
	b, err := json.Marshal(map[string]string{
		"_type": "encrypted", "data": base64.StdEncoding.EncodeToString(secretbox.Seal(nonce[:], []byte(plain), &nonce, &key)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const location = `{"_type":"location","lat":1,"lon":2,"tst":1780302600}`

// publisher is a client of the broker (MQTT 5).
type publisher struct {
	t *testing.T
	*paho.Client
	got chan *paho.Publish
	// gone is closed when the connection is.
	gone <-chan struct{}
}

// sign connects; code is the reason of a refusal, 0 for none.
func sign(t *testing.T, conn net.Conn, user, password, id, will string) (p *publisher, code byte) {
	t.Helper()
	p = &publisher{t: t, got: make(chan *paho.Publish, 16)}
	p.Client = paho.NewClient(paho.ClientConfig{
		Conn: conn,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(r paho.PublishReceived) (bool, error) { p.got <- r.Packet; return true, nil },
		},
	})
	connect := &paho.Connect{KeepAlive: 30, ClientID: id, CleanStart: true, Username: user, UsernameFlag: user != "", Password: []byte(password), PasswordFlag: password != ""}
	if will != "" {
		connect.WillMessage = &paho.WillMessage{Topic: will, QoS: 1, Payload: []byte(`{"_type":"lwt","tst":1}`)}
	}
	ack, err := p.Connect(deadline(t), connect)
	if ack != nil && ack.ReasonCode != 0 {
		return nil, ack.ReasonCode
	}
	if err != nil {
		t.Fatal(err)
	}
	p.gone = p.Done()
	t.Cleanup(func() { p.Disconnect(&paho.Disconnect{}) })
	return p, 0
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (r *rig) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr["mqtt/mqtt"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// publish returns the reason of the acknowledgement.
func (p *publisher) publish(topic, payload string) byte {
	p.t.Helper()
	ack, err := p.Publish(deadline(p.t), &paho.Publish{QoS: 1, Topic: topic, Payload: []byte(payload)})
	if ack == nil {
		p.t.Fatalf("publish to %s: %v", topic, err)
	}
	return ack.ReasonCode
}

// next is what the client gets next.
func (p *publisher) next() *paho.Publish {
	p.t.Helper()
	select {
	case got := <-p.got:
		return got
	case <-deadline(p.t).Done():
		p.t.Fatal("nothing comes")
		return nil
	}
}

// acknowledged publishes as jane, until there is an acknowledgement or the
// connection is closed: which makes clients send it again.
func (p *publisher) acknowledged(payload []byte) bool {
	p.t.Helper()
	ctx, cancel := context.WithCancel(deadline(p.t))
	defer cancel()
	go func() {
		select {
		case <-p.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := p.Publish(ctx, &paho.Publish{QoS: 1, Topic: jane, Payload: payload})
	if err == nil {
		return true
	}
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.t.Error("neither acknowledged nor closed")
	}
	return false
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

func TestMQTTAcknowledgesWhenDurable(t *testing.T) {
	hold := make(chan struct{})
	r := phones(t, func(_ *Config, r *rig) { r.bus.hold = hold })
	p, _ := sign(t, r.dial(t), "jane", "janes", "", jane)
	acked := make(chan byte, 1)
	go func() { acked <- p.publish(jane, location) }()
	until(t, "the position", func() bool { return len(r.bus.positions()) == 1 })
	sign(t, r.dial(t), "", "", "", "") // others are served while the disk is busy
	select {
	case <-acked:
		t.Fatal("acknowledged before it was durable")
	default:
	}
	close(hold)
	if code := <-acked; code != 0 {
		t.Errorf("reason %#x", code)
	}
	if at := r.bus.positions()[0]; at.DeviceID != janeID || at.Protocol != "owntracks" || at.Latitude != 1 {
		t.Errorf("%+v", at)
	}
	if code := p.publish("owntracks/jane/phone/event", `{"_type":"transition","lat":1,"lon":2,"tst":1780302601,"event":"enter","desc":"Home"}`); code != 0 || len(r.bus.positions()) != 2 {
		t.Errorf("event: reason %#x", code)
	}
	if code := p.publish(jane, "no JSON"); code != 0 { // sent again it would read no better
		t.Errorf("unreadable: reason %#x", code)
	}
}

func TestMQTTGenericTopic(t *testing.T) {
	r := phones(t, nil)
	p, _ := sign(t, r.dial(t), "", "", "", "")
	if code := p.publish("waymark/anna", `{"lat":1,"lon":2,"speed":10,"timestamp":1780302600}`); code != 0 {
		t.Fatalf("reason %#x", code)
	}
	if all := r.bus.positions(); len(all) != 1 || all[0].DeviceID != 11 || all[0].Protocol != "webhook" || all[0].SpeedKnots < 19.43 {
		t.Errorf("%+v", all)
	}
}

// TestMQTT311 speaks the older version by hand, at each quality of service.
func TestMQTT311(t *testing.T) {
	r := phones(t, nil)
	conn := r.dial(t)
	conn.SetDeadline(time.Now().Add(patience))
	send := func(kind byte, parts ...string) {
		var b bytes.Buffer
		for _, p := range parts {
			b.WriteString(p)
		}
		if _, err := conn.Write(append([]byte{kind, byte(b.Len())}, b.Bytes()...)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(bytes ...byte) {
		t.Helper()
		got := make([]byte, len(bytes))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != string(bytes) {
			t.Fatalf("got %x, %v; want %x", got, err, bytes)
		}
	}
	text := func(s string) string { return string([]byte{0, byte(len(s))}) + s }
	send(0x10, text("MQTT"), "\x04\xc2\x00\x1e", text("phone"), text("jane"), text("janes"))
	want(0x20, 2, 0, 0)
	send(0x30, text(jane), location)
	send(0x32, text(jane), "\x00\x07", location)
	want(0x40, 2, 0, 7)
	send(0x34, text(jane), "\x00\x08", location)
	want(0x50, 2, 0, 8)
	send(0x62, "\x00\x08")
	want(0x70, 2, 0, 8)
	if got := r.bus.positions(); len(got) != 3 {
		t.Errorf("%d positions", len(got))
	}
	send(0x32, text(john), "\x00\x09", location) // not hers: version 3 knows no refusal
	if n, err := conn.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v; want the connection closed", n, err)
	}
}

func TestMQTTNotDurable(t *testing.T) {
	r := phones(t, func(_ *Config, r *rig) { r.bus.err = data.ErrUnavailable })
	p, _ := sign(t, r.dial(t), "jane", "janes", "", "")
	if p.acknowledged([]byte(location)) {
		t.Error("acknowledged")
	}
}

// A wrong password and a stranger look the same, when connecting and publishing.
func TestMQTTRefusals(t *testing.T) {
	r := phones(t, nil)
	for _, will := range []string{jane, "owntracks/nobody/phone", "elsewhere/x"} {
		if _, code := sign(t, r.dial(t), "jane", "wrong", "", will); code != 0x86 {
			t.Errorf("connect with the will %s: reason %#x", will, code)
		}
	}
	p, code := sign(t, r.dial(t), "jane", "wrong", "", "")
	if code != 0 {
		t.Fatalf("connect: %#x", code)
	}
	for _, topic := range []string{jane, "owntracks/nobody/phone", "waymark/van", "waymark/nobody", "elsewhere/x"} {
		if code := p.publish(topic, location); code != 0x87 {
			t.Errorf("%s: reason %#x", topic, code)
		}
	}
	if _, code := sign(t, r.dial(t), "van", "wrong", "", ""); code != 0x86 {
		t.Errorf("connect as the van: reason %#x", code)
	}
	if got := r.bus.positions(); len(got) != 0 {
		t.Errorf("positions: %+v", got)
	}
	r.stop()
	seen := map[string]bool{}
	for _, s := range r.store.strangers {
		seen[s.Protocol+" "+s.UniqueID] = true
		if s.UniqueID == "nobody" && string(s.LastFrame) != location {
			t.Errorf("frame %s", s.LastFrame)
		}
	}
	if !seen["owntracks owntracks/nobody/phone"] || !seen["webhook nobody"] || len(seen) != 2 {
		t.Errorf("strangers: %v", seen)
	}
}

// Nobody reads what is not theirs, however they ask.
func TestMQTTIsolation(t *testing.T) {
	r := phones(t, nil)
	spy, _ := sign(t, r.dial(t), "jane", "janes", "phone", jane)
	own, _ := sign(t, r.dial(t), "john", "johns", "phone", john) // the same client id
	subscribe := func(p *publisher, filter string) (code byte) {
		t.Helper()
		ack, err := p.Subscribe(deadline(t), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
		if ack == nil || len(ack.Reasons) != 1 {
			t.Fatalf("subscribe to %s: %v", filter, err)
		}
		return ack.Reasons[0]
	}
	for _, filter := range []string{john, john + "/event", "waymark/anna", "waymark/+", "$SYS/#", "elsewhere"} {
		if code := subscribe(spy, filter); code < 0x80 {
			t.Errorf("jane may read %s", filter)
		}
	}
	for _, filter := range []string{"#", "owntracks/+/+", "owntracks/#", "owntracks/+/+/event", jane + "/cmd"} {
		if code := subscribe(spy, filter); code >= 0x80 {
			t.Errorf("jane may not read %s: %#x", filter, code)
		}
	}
	if code := subscribe(own, john); code >= 0x80 {
		t.Errorf("john may not read his own: %#x", code)
	}
	own.publish(john, location)
	if got := own.next(); got.Topic != john {
		t.Errorf("john got %s", got.Topic)
	}
	spy.publish(jane, location)
	if got := spy.next(); got.Topic != jane { // the first that she gets is her own
		t.Errorf("jane got %s", got.Topic)
	}
	late, _ := sign(t, r.dial(t), "jane", "janes", "late", jane)
	if ack, err := own.Publish(deadline(t), &paho.Publish{QoS: 1, Retain: true, Topic: john, Payload: []byte(location)}); err != nil || ack.ReasonCode != 0 {
		t.Fatal(err)
	}
	subscribe(late, "owntracks/+/+")
	late.publish(jane, location)
	if got := late.next(); got.Topic != jane {
		t.Errorf("jane got the retained %s", got.Topic)
	}
}

func TestMQTTLimits(t *testing.T) {
	r := phones(t, func(c *Config, _ *rig) { c.MaxConnections = 1 })
	p, _ := sign(t, r.dial(t), "jane", "janes", "", "")
	if n, err := r.dial(t).Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("a second connection is served")
	}
	if p.acknowledged(make([]byte, mqttFrame+1)) {
		t.Error("too large a packet is taken")
	}
}

func TestMQTTStopFinishesWhatItTook(t *testing.T) {
	hold := make(chan struct{})
	r := phones(t, func(_ *Config, r *rig) { r.bus.hold = hold })
	p, _ := sign(t, r.dial(t), "jane", "janes", "", "")
	acked := make(chan byte, 1)
	go func() { acked <- p.publish(jane, location) }()
	until(t, "the position", func() bool { return len(r.bus.positions()) == 1 })
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	until(t, "the listener to close", func() bool {
		conn, err := net.Dial("tcp", r.addr["mqtt/mqtt"])
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(hold)
	if code := <-acked; code != 0 {
		t.Errorf("reason %#x", code)
	}
	<-stopped
}

// certify writes a certificate for 127.0.0.1.
func certify(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := errors.Join(os.WriteFile(certFile, public, 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)); err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return certFile, keyFile, roots
}

func TestMQTTOverTLS(t *testing.T) {
	certFile, keyFile, roots := certify(t)
	r := phones(t, func(c *Config, _ *rig) { c.TLSCertFile, c.TLSKeyFile = certFile, keyFile })
	conn, err := tls.Dial("tcp", r.addr["mqtts/mqtt"], &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := sign(t, conn, "jane", "janes", "", jane)
	if code := p.publish(jane, location); code != 0 || len(r.bus.positions()) != 1 {
		t.Errorf("reason %#x", code)
	}
}
