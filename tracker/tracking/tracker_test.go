package tracking

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/metric"
)

// lineCodec is a protocol for tests, a line a frame: "ID name" says who the
// device is, "P second" is a position, "PING" wants an answer from anybody,
// "RELAY a b" brings a position of each, "BOOM" makes the decoder panic, a line
// that begins with "~" is noise and one with "!" breaks the stream.
type lineCodec struct{ offset *time.Duration }

// Configure reads the setting "offset", seconds added to every position.
func (c lineCodec) Configure(s protocol.Settings) {
	seconds, _ := s["offset"].(int)
	*c.offset = time.Duration(seconds) * time.Second
}

func (lineCodec) Next(buf []byte) ([]byte, int, error) {
	i := bytes.IndexByte(buf, '\n')
	switch {
	case i < 0:
		return nil, 0, nil
	case buf[0] == '~':
		return nil, i + 1, nil
	case buf[0] == '!':
		return nil, 0, errors.New("not a line")
	}
	return buf[:i], i + 1, nil
}

func (c lineCodec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	word, rest, _ := strings.Cut(string(frame), " ")
	switch word {
	case "ID":
		return data.Packet{Identity: rest, Reply: []byte("HELLO " + rest + "\n"), Refusal: []byte("NO\n")}, nil
	case "P":
		var second int
		if _, err := fmt.Sscan(rest, &second); err != nil {
			return data.Packet{}, err
		}
		return data.Packet{Positions: []data.Position{{FixTime: base.Add(time.Duration(second)*time.Second + *c.offset), Valid: true}}, Reply: []byte("OK " + rest + "\n")}, nil
	case "AT": // a position that names its device
		p, err := c.Decode([]byte("P 1"), time.Time{})
		p.Identity = rest
		return p, err
	case "FILE": // a piece of a photo: number, whether it is the last, content
		var number int
		var last string
		if _, err := fmt.Sscan(rest, &number, &last); err != nil {
			return data.Packet{}, err
		}
		content := strings.SplitN(rest, " ", 3)[2]
		part := &data.FilePart{Kind: data.FileImage, From: number, To: number + 1, Last: last == "yes", Content: []byte(content)}
		return data.Packet{File: part, Reply: fmt.Appendf(nil, "GOT %d\n", number)}, nil
	case "ALIAS": // two names of a device
		id, alias, _ := strings.Cut(rest, " ")
		return data.Packet{Identity: id, Alias: alias, Reply: []byte("HELLO\n"), Refusal: []byte("NO\n")}, nil
	case "PING":
		return data.Packet{Reply: []byte("PONG\n")}, nil
	case "RELAY": // positions of several devices, separated by blanks
		var p data.Packet
		for i, id := range strings.Fields(rest) {
			of := data.Packet{Identity: id, Positions: []data.Position{{FixTime: base}}}
			if i == 0 {
				p = of
			} else {
				p.More = append(p.More, of)
			}
		}
		p.Reply = []byte("DONE\n")
		return p, nil
	case "BOOM":
		panic("boom")
	}
	return data.Packet{}, fmt.Errorf("unknown word %q", word)
}

var base = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var lineProtocol = protocol.Protocol{
	Name: "line", Port: 1, Transports: protocol.TCP | protocol.UDP, MaxFrame: 1024,
	New: func(protocol.Transport) protocol.Codec { return lineCodec{new(time.Duration)} },
}

var webProtocol = protocol.Protocol{
	Name: "web", Port: 2, Transports: protocol.HTTP,
	HTTP: func(r *protocol.Request, now time.Time) (data.Packet, error) {
		if r.Query == "" {
			return data.Packet{}, protocol.ErrNoIdentity
		}
		return data.Packet{Identity: r.Query, Positions: []data.Position{{FixTime: now}}, RefusalStatus: 410, Reply: []byte("thanks")}, nil
	},
}

// fakeBus keeps what is published; it can be told to hold or refuse it.
type fakeBus struct {
	mu        sync.Mutex
	published [][]data.Position
	hold      chan struct{} // when set, durable only once it is closed
	err       error
}

func (f *fakeBus) MaxBatch() int { return 200 }
func (f *fakeBus) Shards() int   { return data.Shards }

func (f *fakeBus) PublishPositions(_ int, p []data.Position) (Waiter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.published = append(f.published, p)
	return fakeWaiter{f.hold, f.err}, nil
}

func (f *fakeBus) positions() (all []data.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.published {
		all = append(all, p...)
	}
	return all
}

type fakeWaiter struct {
	hold chan struct{}
	err  error
}

func (w fakeWaiter) Wait(ctx context.Context) error {
	if w.hold != nil {
		select {
		case <-w.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return w.err
}

// fakeStore knows devices and strangers. As the cache in front of the real one
// does, it remembers that it has not found a device until it is told.
type fakeStore struct {
	mu        sync.Mutex
	unknown   map[string]bool
	devices   map[string]data.Device
	strangers []data.UnknownDevice
	seen      map[int64]time.Time
	told      map[int64]time.Time // over the bus
	closed    []map[int64]data.Disconnection
	broken    error
}

func (s *fakeStore) ByUniqueID(_ context.Context, id string) (data.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return data.Device{}, s.broken
	}
	if d, ok := s.devices[id]; ok && !s.unknown[id] {
		return d, nil
	}
	s.unknown[id] = true
	return data.Device{}, data.ErrNotFound
}

func (s *fakeStore) Invalidate(c data.DeviceChange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unknown, c.UniqueID)
}

func (s *fakeStore) CreateDevice(_ context.Context, d *data.Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.devices[d.UniqueID]; ok {
		return data.ErrConflict
	}
	d.ID = int64(len(s.devices) + 1)
	s.devices[d.UniqueID] = *d
	return nil
}

func (s *fakeStore) TouchDevices(_ context.Context, seen map[int64]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range seen {
		s.seen[id] = at
	}
	return nil
}

func (s *fakeStore) DisconnectDevices(_ context.Context, closed map[int64]data.Disconnection) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, closed)
	return nil
}

func (s *fakeStore) RecordUnknownDevices(_ context.Context, seen []data.UnknownDevice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strangers = append(s.strangers, seen...)
	return nil
}

func (s *fakeStore) PublishDevice(data.DeviceChange) error { return nil }

func (s *fakeStore) PublishSeen(seen map[int64]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = map[int64]time.Time{}
	}
	maps.Copy(s.told, seen)
	return nil
}

// rig is a running tracker.
type rig struct {
	*Tracker
	bus   *fakeBus
	store *fakeStore
	stop  func()
	addr  map[string]string // "line/tcp" -> address
	// deps changes the parts the tracker works with.
	deps func(*Deps)
}

func start(t *testing.T, change func(*Config, *rig)) *rig {
	t.Helper()
	r := &rig{
		bus:   &fakeBus{},
		store: &fakeStore{devices: map[string]data.Device{"anna": {ID: 11, UniqueID: "anna"}, "off": {ID: 12, UniqueID: "off", Disabled: true}, "late": {ID: 13, UniqueID: "late", Attributes: map[string]any{"decoder.offset": 100}}}, seen: map[int64]time.Time{}, unknown: map[string]bool{}},
		addr:  map[string]string{},
	}
	cfg := DefaultConfig()
	cfg.Host = "127.0.0.1"
	cfg.Ports = map[string]string{"line": "0", "web": "0"}
	cfg.AnyPort = "off"
	if change != nil {
		change(&cfg, r)
	}
	deps := Deps{
		Protocols: []protocol.Protocol{lineProtocol, webProtocol},
		Devices:   r.store, Store: r.store, Bus: r.store, Publisher: r.bus,
		Log: slog.New(slog.DiscardHandler), Metrics: metric.NewSet(),
		Now: func() time.Time { return base.Add(time.Minute) },
	}
	if r.deps != nil {
		r.deps(&deps)
	}
	tr, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	r.run(t, tr)
	return r
}

// run runs a tracker until the test ends, or stop is called.
func (r *rig) run(t *testing.T, tr *Tracker) {
	t.Helper()
	r.Tracker = tr
	for _, a := range tr.Addresses() {
		r.addr[a.Protocol+"/"+a.Transport.String()] = a.Addr.String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tr.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("the tracker does not stop")
			}
		})
	}
	t.Cleanup(r.stop)
}

// patience bounds every wait of a test: machines are busy.
const patience = time.Minute

// client is a device.
type client struct {
	t *testing.T
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, network, addr string) *client {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) want(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		got, err := c.lines.ReadString('\n')
		if err != nil || got != want+"\n" {
			c.t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
}

func (c *client) wantClosed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.lines); len(rest) > 0 || errors.Is(err, context.DeadlineExceeded) {
		c.t.Fatalf("got %q, %v; want the connection closed", rest, err)
	}
}

func TestAnswersWhenDurable(t *testing.T) {
	hold := make(chan struct{})
	r := start(t, func(_ *Config, r *rig) { r.bus.hold = hold })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\n")
	c.want("HELLO anna")
	c.send("P 1\nP 2\nP 3\n")
	answered := make(chan struct{})
	go func() {
		c.lines.Peek(1)
		close(answered)
	}()
	for len(r.bus.positions()) < 3 {
		select {
		case <-answered:
			t.Fatal("answered before it was durable")
		default:
		}
	}
	select {
	case <-answered:
		t.Fatal("answered before it was durable")
	default:
	}
	close(hold)
	<-answered
	c.want("OK 1", "OK 2", "OK 3")
	for i, p := range r.bus.positions() {
		if p.DeviceID != 11 || p.Protocol != "line" || !p.ServerTime.Equal(base.Add(time.Minute)) || !p.FixTime.Equal(base.Add(time.Duration(i+1)*time.Second)) || !p.DeviceTime.Equal(p.FixTime) {
			t.Errorf("position %d: %+v", i, p)
		}
	}
}

func TestNoAnswerWhenNotDurable(t *testing.T) {
	r := start(t, func(_ *Config, r *rig) { r.bus.err = data.ErrUnavailable })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\nP 1\n")
	c.wantClosed()
	resp, err := http.Get("http://" + r.addr["web/http"] + "/?anna")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("HTTP status %d, want 503", resp.StatusCode)
	}
}

func TestFramesCutAnywhere(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	for _, b := range []byte("ID anna\n~noise\nP 1\n") {
		c.send(string(b))
	}
	c.want("HELLO anna", "OK 1")
}

func TestStrangerIsRefusedAndNoted(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID bob\nP 1\n")
	c.want("NO")
	c.wantClosed()
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("P 1\n") // never said who it is
	c.wantClosed()
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID off\n")
	c.want("NO")
	c.wantClosed()
	r.stop()
	if len(r.store.strangers) != 1 {
		t.Fatalf("strangers: %+v, want bob alone", r.store.strangers)
	}
	u := r.store.strangers[0]
	if u.UniqueID != "bob" || u.Protocol != "line" || u.Count != 1 || string(u.LastFrame) != "ID bob" || !strings.HasPrefix(u.Address, "127.0.0.1:") {
		t.Errorf("stranger: %+v", u)
	}
	if got := r.bus.positions(); len(got) != 0 {
		t.Errorf("positions of strangers: %v", got)
	}
}

func TestStrangerIsRegistered(t *testing.T) {
	r := start(t, func(c *Config, _ *rig) { c.RegisterUnknown = true })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID bob\nP 1\n")
	c.want("HELLO bob", "OK 1")
	c.send("P 2\n")
	c.want("OK 2")
	if _, ok := r.store.devices["bob"]; !ok {
		t.Error("bob is not registered")
	}
}

func TestHandshakeBeforeIdentity(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("PING\nID anna\nP 1\n")
	c.want("PONG", "HELLO anna", "OK 1")
	c = dial(t, "tcp", r.addr["line/tcp"])
	io.WriteString(c, strings.Repeat("PING\n", maxAnonymous+1))
	for range maxAnonymous {
		c.want("PONG")
	}
	c.wantClosed()
}

func TestStrangerDoesNotSilenceARelay(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("RELAY bob anna carl\n")
	c.want("DONE")
	if got := r.bus.positions(); len(got) != 1 || got[0].DeviceID != 11 {
		t.Errorf("positions: %+v", got)
	}
	c.send("RELAY bob carl\n")
	c.wantClosed()
	r.stop()
	if len(r.store.strangers) != 2 {
		t.Errorf("strangers: %+v", r.store.strangers)
	}
}

func TestStoreDownIsNoRefusal(t *testing.T) {
	r := start(t, func(_ *Config, r *rig) { r.store.broken = data.ErrUnavailable })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\n")
	c.wantClosed() // without the refusal that makes a device give up
}

func TestGarbageEndsTheConnection(t *testing.T) {
	r := start(t, nil)
	for name, garbage := range map[string]string{
		"unreadable frames": strings.Repeat("what\n", maxBadFrames),
		"noise":             strings.Repeat("~"+strings.Repeat("x", 500)+"\n", maxNoise/500+1),
		"no frame at all":   strings.Repeat("x", 8<<10),
		"broken stream":     "!\n",
		"panic":             "BOOM\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, "tcp", r.addr["line/tcp"])
			io.WriteString(c, "ID anna\n"+garbage)
			c.want("HELLO anna")
			c.wantClosed()
		})
	}
	c := dial(t, "tcp", r.addr["line/tcp"]) // and nobody else is hurt
	c.send("ID anna\nP 1\n")
	c.want("HELLO anna", "OK 1")
}

func TestConnectionLimit(t *testing.T) {
	r := start(t, func(c *Config, _ *rig) { c.MaxConnections = 1 })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\n")
	c.want("HELLO anna")
	dial(t, "tcp", r.addr["line/tcp"]).wantClosed()
	c.send("P 1\n")
	c.want("OK 1")
}

func TestUDP(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "udp", r.addr["line/udp"])
	c.send("ID anna\nP 4\n")
	c.want("HELLO anna", "OK 4")
}

// TestSettingsHoldForTheFirstMessage: where each message names its device, its
// settings are known only after the first has been decoded.
func TestSettingsHoldForTheFirstMessage(t *testing.T) {
	r := start(t, nil)
	for _, network := range []string{"tcp", "udp"} {
		c := dial(t, network, r.addr["line/"+network])
		c.send("AT late\nAT anna\nAT late\n")
		c.want("OK 1", "OK 1", "OK 1")
	}
	for _, p := range r.bus.positions() {
		want := base.Add(time.Second)
		if p.DeviceID == 13 {
			want = want.Add(100 * time.Second)
		}
		if !p.FixTime.Equal(want) {
			t.Errorf("device %d at %v, want %v", p.DeviceID, p.FixTime, want)
		}
	}
}

func TestHTTPConnectionLimit(t *testing.T) {
	r := start(t, func(c *Config, _ *rig) { c.MaxConnections = 1 })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\n")
	c.want("HELLO anna")
	dial(t, "tcp", r.addr["web/http"]).wantClosed()
	c.Close()
	ok := func() bool {
		resp, err := http.Get("http://" + r.addr["web/http"] + "/?anna")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("the place is not free again")
		}
	}
}

func TestHTTP(t *testing.T) {
	r := start(t, nil)
	for query, want := range map[string]int{"?anna": 200, "?bob": 410, "": 400} {
		resp, err := http.Get("http://" + r.addr["web/http"] + "/" + query)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: status %d, want %d (%s)", query, resp.StatusCode, want, body)
		}
	}
	if got := r.bus.positions(); len(got) != 1 || got[0].DeviceID != 11 {
		t.Errorf("positions: %v", got)
	}
}

func TestStopFinishesWhatItTook(t *testing.T) {
	hold := make(chan struct{})
	r := start(t, func(_ *Config, r *rig) { r.bus.hold = hold })
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\nP 1\n")
	for len(r.bus.positions()) == 0 {
	}
	go func() {
		close(hold)
	}()
	r.stop()
	c.want("HELLO anna", "OK 1")
}

func TestAliveWithoutPosition(t *testing.T) {
	r := start(t, nil)
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\n")
	c.want("HELLO anna")
	r.stop()
	if got := r.store.told[11]; !got.Equal(base.Add(time.Minute)) {
		t.Errorf("others hear that the device spoke at %v", got)
	}
	if got := r.store.seen[11]; !got.Equal(base.Add(time.Minute)) {
		t.Errorf("anna seen at %v", got)
	}
}

func TestTakenPortOpensNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	cfg := DefaultConfig()
	cfg.Host = "127.0.0.1"
	cfg.Ports = map[string]string{"line": port, "web": "off"}
	cfg.AnyPort = "off"
	_, err = New(cfg, Deps{Protocols: []protocol.Protocol{lineProtocol, webProtocol}, Metrics: metric.NewSet()})
	if err == nil || !strings.Contains(err.Error(), port) || !strings.Contains(err.Error(), "line=") {
		t.Fatalf("got %v, want an error that names the port and the setting", err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("the UDP port is still open: %v", err)
	}
	udp.Close()
}

func TestOtherProtocolsOff(t *testing.T) {
	r := start(t, func(c *Config, _ *rig) { c.Ports = map[string]string{"*": "off", "web": "0"} })
	if len(r.addr) != 1 || r.addr["web/http"] == "" {
		t.Errorf("open: %v", r.addr)
	}
}

func TestConfigErrors(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"not a port":       func(c *Config) { c.Ports = map[string]string{"line": "many"} },
		"no such protocol": func(c *Config) { c.Ports["lime"] = "0" },
		"offset too large": func(c *Config) { c.Ports, c.PortOffset = nil, 70000 },
		"no connections":   func(c *Config) { c.MaxConnections = 0 },
	} {
		cfg := DefaultConfig()
		cfg.Host = "127.0.0.1"
		cfg.Ports = map[string]string{"line": "0", "web": "0"}
		cfg.AnyPort = "off"
		change(&cfg)
		_, err := New(cfg, Deps{Protocols: []protocol.Protocol{lineProtocol, webProtocol}, Metrics: metric.NewSet()})
		if !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
