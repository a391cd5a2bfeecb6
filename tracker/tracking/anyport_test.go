package tracking

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	gt06Login     = "78780d01012345678901234500018cdd0d0a"
	gt06Answer    = "787805010001d9dc0d0a"
	h02Place      = "*HQ,8600000018,V1,083000,A,5231.2000,N,01324.3000,E,10.00,091,010626,FFFFFFFF#"
	wialonLogin   = "#L#123456789012345;geheim\r\n"
	teltonikaID   = "123456789012345"
	teltonikaIMEI = "\x00\x0f" + teltonikaID
)

// startAny is a tracker with every protocol behind one port, and these devices.
func startAny(t *testing.T, change func(*Config, *rig)) *rig {
	t.Helper()
	return start(t, func(c *Config, r *rig) {
		c.Ports, c.AnyPort = map[string]string{"*": "off"}, "0"
		r.store.devices = map[string]data.Device{
			"123456789012345": {ID: 1, UniqueID: "123456789012345"},
			"8600000018":      {ID: 2, UniqueID: "8600000018"},
		}
		r.deps = func(d *Deps) { d.Protocols = all.All() }
		if change != nil {
			change(c, r)
		}
	})
}

// wantBytes reads an answer.
func (c *client) wantBytes(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.lines, got); err != nil || string(got) != want {
		c.t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// wantPositions waits for the protocols of the positions of devices.
func (r *rig) wantPositions(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		got = nil
		for _, p := range r.bus.positions() {
			got = append(got, fmt.Sprintf("%s %d", p.Protocol, p.DeviceID))
		}
		if slices.Sort(got); slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("positions %v, want %v", got, want)
}

func TestAnyPortServesAsThePortOfTheProtocol(t *testing.T) {
	r := startAny(t, nil)
	for _, step := range []int{1, 1000} { // byte by byte, and at once
		for _, c := range []struct{ send, answer string }{
			{unhex(gt06Login), unhex(gt06Answer)},
			{teltonikaIMEI, "\x01"},
			{wialonLogin, "#AL#1\r\n"},
		} {
			d := dial(t, "tcp", r.addr["any/tcp"])
			for rest := c.send; rest != ""; {
				n := min(step, len(rest))
				d.send(rest[:n])
				rest = rest[n:]
			}
			d.wantBytes(c.answer)
		}
	}
	d := dial(t, "tcp", r.addr["any/tcp"])
	d.send(h02Place)
	r.wantPositions(t, "h02 2")
}

func TestAnyPortTakesDatagrams(t *testing.T) {
	r := startAny(t, nil)
	d := dial(t, "udp", r.addr["any/udp"])
	d.send(h02Place)
	d.send("nothing that anybody sends")
	other := dial(t, "udp", r.addr["any/udp"])
	other.send(wialonLogin)
	other.wantBytes("#AL#1\r\n")
	r.wantPositions(t, "h02 2")
	// Datagrams are read side by side: that one may come last.
	for deadline := time.Now().Add(patience); r.any.unrecognised.Get() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := r.any.unrecognised.Get(); got != 1 {
		t.Errorf("%v datagrams are not recognised, want 1", got)
	}
}

func TestAnyPortRemembersWhatAnAddressSpoke(t *testing.T) {
	alike := func(name string) protocol.Protocol {
		p := lineProtocol
		p.Name = name
		p.Signature = func(first []byte, _ protocol.Transport) protocol.Match {
			return max(protocol.Begins(first, "ID anna\nP 1 "+name), min(protocol.Begins(first, "ID anna"), protocol.Maybe))
		}
		return p
	}
	r := startAny(t, func(_ *Config, r *rig) {
		r.store.devices["anna"] = data.Device{ID: 11, UniqueID: "anna"}
		r.deps = func(d *Deps) { d.Protocols = []protocol.Protocol{alike("left"), alike("right")} }
	})
	d := dial(t, "udp", r.addr["any/udp"])
	d.send("ID anna\nP 1\n") // may be of either
	for deadline := time.Now().Add(patience); r.any.unrecognised.Get() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was taken for one of them")
		}
	}
	d.send("ID anna\nP 1 right\n")
	d.want("HELLO anna", "OK 1 right")
	d.send("ID anna\nP 2\n")
	d.want("HELLO anna", "OK 2")
	r.wantPositions(t, "right 11", "right 11")
}

func TestAnyPortHandsHTTPOver(t *testing.T) {
	r := startAny(t, nil)
	url := "http://" + r.addr["any/tcp"]
	for range 2 { // the second on the same connection
		resp, err := http.Get(url + "/?id=8600000018&lat=52.5&lon=13.4&timestamp=1780302600")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	resp, err := http.Post(url+"/", "application/json", strings.NewReader(`[{"ident":"8600000018","timestamp":1780302600,"position.latitude":52.5,"position.longitude":13.4}]`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	r.wantPositions(t, "flespi 2", "osmand 2", "osmand 2")
}

func TestAnyPortHandsMQTTOver(t *testing.T) {
	r := startAny(t, nil)
	d := dial(t, "tcp", r.addr["any/tcp"])
	// CONNECT of MQTT 3.1.1: clean session, keep-alive 60 s, client id "a", no name:
	// the broker answers CONNACK, whatever it thinks of the client.
	d.send("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")
	d.wantBytes("\x20\x02")
}

func TestAnyPortEndsTLS(t *testing.T) {
	certFile, keyFile, roots := newPair(t)
	r := startAny(t, func(c *Config, _ *rig) { c.TLSCertFile, c.TLSKeyFile = certFile, keyFile })
	dialTLS := func() net.Conn {
		conn, err := tls.Dial("tcp", r.addr["any/tcp"], &tls.Config{RootCAs: roots, ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(patience))
		return conn
	}
	conn := dialTLS()
	io.WriteString(conn, unhex(gt06Login))
	got := make([]byte, len(gt06Answer)/2)
	if _, err := io.ReadFull(conn, got); err != nil || hex.EncodeToString(got) != gt06Answer {
		t.Errorf("%x, %v", got, err)
	}
	web := dialTLS()
	io.WriteString(web, "GET /?id=8600000018&lat=1&lon=2&timestamp=1780302600 HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(web); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 200") {
		t.Errorf("%q, %v", answer, err)
	}
	again := dialTLS() // TLS inside of TLS
	io.WriteString(again, "\x16\x03\x01\x02\x00\x01")
	if rest, err := io.ReadAll(again); len(rest) > 0 || os.IsTimeout(err) {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestAnyPortWithoutACertificate(t *testing.T) {
	r := startAny(t, nil)
	d := dial(t, "tcp", r.addr["any/tcp"])
	d.send("\x16\x03\x01\x02\x00\x01")
	d.wantClosed()
	r.stop()
	if len(r.store.strangers) != 1 || !slices.Equal(r.store.strangers[0].Guesses, []string{"tls"}) {
		t.Errorf("strangers %+v", r.store.strangers)
	}
}

// newPair writes a certificate for localhost.
func newPair(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret), roots
}

// TestGarbageDisturbsNobody: a thousand peers that send nonsense, half of them
// such that more may make sense of it, cost nobody else anything and leave
// nothing behind.
func TestGarbageDisturbsNobody(t *testing.T) {
	const peers = 1000
	r := startAny(t, nil)
	before := runtime.NumGoroutine()
	var all []*client
	for i := range peers {
		d := dial(t, "tcp", r.addr["any/tcp"])
		all = append(all, d)
		if i%2 == 0 {
			d.send("\x78\x78") // goes on like this for many seconds
			continue
		}
		d.send(fmt.Sprintf("~~~ %d nonsense\r\n", i))
	}
	for range 50 { // each of them within the deadline of its connection
		d := dial(t, "tcp", r.addr["any/tcp"])
		d.send(unhex(gt06Login))
		d.wantBytes(unhex(gt06Answer))
		d.Close()
	}
	for i, d := range all {
		if i%2 == 1 {
			d.wantClosed()
		}
		d.Close()
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v unrecognised, %d goroutines, %d before", what, r.any.unrecognised.Get(), runtime.NumGoroutine(), before)
			}
		}
	}
	wait("every one is counted", func() bool { return r.any.unrecognised.Get() == peers })
	// The tracker itself may have started some since.
	wait("no goroutine is left", func() bool { return runtime.NumGoroutine() <= before+20 })
	r.stop()
	// They are of one address, and written down now and then.
	addresses, count := map[string]bool{}, int64(0)
	for _, s := range r.store.strangers {
		addresses[s.UniqueID] = true
		count += int64(s.Count)
	}
	if len(addresses) != 1 || count != peers {
		t.Errorf("%d strangers at %d addresses are listed", count, len(addresses))
	}
}

func TestUnrecognisedAreBoundedByAddress(t *testing.T) {
	s := newSightings(Deps{Store: &fakeStore{}, Now: time.Now})
	for i := range 3 * storage.MaxUnrecognised {
		s.unrecognised(&net.TCPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i)), Port: 5}, []byte("x"), nil, base)
	}
	p := &protocol.Protocol{Name: "gt06"}
	s.stranger(p, "1", "10.0.0.1:5", []byte("a"), base)
	if len(s.strangers) != storage.MaxUnrecognised+1 {
		t.Errorf("%d are kept", len(s.strangers))
	}
}

func TestAnyPortSettings(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		port int
		on   bool
		ok   bool
	}{
		{Config{}, 5000, true, true},
		{Config{PortOffset: 10000}, 15000, true, true},
		{Config{AnyPort: "off"}, 0, false, true},
		{Config{AnyPort: "6000", PortOffset: 5}, 6000, true, true},
		{Config{Ports: map[string]string{"*": "off"}}, 0, false, true},
		{Config{Ports: map[string]string{"*": "off"}, AnyPort: "5000"}, 5000, true, true},
		{Config{AnyPort: "many"}, 0, false, false},
		{Config{PortOffset: 65000}, 0, false, false},
	} {
		port, on, err := c.cfg.anyPort()
		if (err == nil) != c.ok || err == nil && (port != c.port || on != c.on) {
			t.Errorf("%+v: %d %t %v", c.cfg, port, on, err)
		}
	}
}

func TestAnyPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	cfg := DefaultConfig()
	cfg.Host, cfg.AnyPort, cfg.Ports = "127.0.0.1", port, map[string]string{"*": "off"}
	_, err = New(cfg, Deps{Protocols: all.All(), Metrics: metric.NewSet()})
	if err == nil || !strings.Contains(err.Error(), port) || !strings.Contains(err.Error(), "tracker.any-port") {
		t.Errorf("got %v, want an error that names the port and the setting", err)
	}
}
