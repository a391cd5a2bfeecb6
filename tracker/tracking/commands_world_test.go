package tracking_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/service"
	"github.com/waymark-gps/waymark/tracker/tracking"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/health"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/program"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// patience bounds every wait of a test.
const patience = time.Minute

var noLog = slog.New(slog.DiscardHandler)

// world is a store and a NATS server, which any number of trackers share.
type world struct {
	t     *testing.T
	dir   string
	nats  string
	store storage.Store
	*clock

	mu      sync.Mutex
	changes []data.CommandChange
}

// clock is the time of the world.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func newWorld(t *testing.T) *world {
	t.Helper()
	n, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	go n.Start()
	t.Cleanup(func() { n.Shutdown(); n.WaitForShutdown() })
	if !n.ReadyForConnections(patience) {
		t.Fatal("the NATS server is not ready")
	}
	w := &world{t: t, dir: t.TempDir(), nats: n.ClientURL(), clock: newClock()}
	if w.store, err = sqlite.Open(t.Context(), w.dir, noLog); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	_, err = openBus(t, w.nats).SubscribeCommands(func(c data.CommandChange) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changes = append(w.changes, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func openBus(t *testing.T, url string) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = url
	b, err := bus.Open(t.Context(), cfg, "", noLog)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// running is a tracker with everything around it.
type running struct {
	addr    map[string]string // "gt06/tcp" -> address
	metrics *metric.Set
	stop    func()
}

// connections is how many devices are connected by a protocol.
func (r *running) connections(protocol string) float64 {
	return metric.Gauges(r.metrics, "waymark_tracker_connections", "protocol")(protocol).Get()
}

// start starts a tracker with a connection of its own to the bus.
func (w *world) start(change ...func(*tracking.Config)) *running {
	w.t.Helper()
	return w.startOn(w.store, change...)
}

func (w *world) startOn(store storage.Store, change ...func(*tracking.Config)) *running {
	w.t.Helper()
	r, err := run(store, openBus(w.t, w.nats), w.time, change...)
	if err != nil {
		w.t.Fatal(err)
	}
	stop := r.stop
	r.stop = sync.OnceFunc(stop)
	w.t.Cleanup(r.stop)
	return r
}

// run runs a whole tracker service for the protocols of the tests.
func run(store storage.Store, b *bus.Bus, now func() time.Time, change ...func(*tracking.Config)) (*running, error) {
	metrics := metric.NewSet()
	cfg := tracking.DefaultConfig()
	cfg.Host, cfg.AnyPort = "127.0.0.1", "off"
	cfg.Ports = map[string]string{"gt06": "0", "teltonika": "0", "h02": "0", "jt808": "0", "osmand": "0", "mqtt": "0", "*": "off"}
	for _, f := range change {
		f(&cfg)
	}
	s, err := service.New(context.Background(), cfg, &program.Parts{
		Log: noLog, Metrics: metrics, Health: health.New(noLog, metrics), Store: store, Bus: b, Now: now,
		Fleet: fleet.New(store, noLog, now),
	})
	if err != nil {
		return nil, err
	}
	r := &running{addr: map[string]string{}, metrics: metrics}
	for _, a := range s.Addresses() {
		r.addr[a.Protocol+"/"+a.Transport.String()] = a.Addr.String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	r.stop = func() { cancel(); <-done }
	return r, nil
}

// device registers a device.
func (w *world) device(uniqueID string) data.Device {
	w.t.Helper()
	d := data.Device{Name: uniqueID, UniqueID: uniqueID}
	if err := w.store.CreateDevice(w.t.Context(), &d); err != nil {
		w.t.Fatal(err)
	}
	return d
}

// queue does what the API does to send a command.
func (w *world) queue(b *bus.Bus, d data.Device, kind string, change func(*data.QueuedCommand), attributes ...data.Attribute) data.QueuedCommand {
	w.t.Helper()
	now := w.time()
	c := data.QueuedCommand{DeviceID: d.ID, Type: kind, Attributes: attributes, CreatedAt: now, ExpiresAt: now.Add(data.DefaultCommandTTL(kind))}
	if change != nil {
		change(&c)
	}
	if err := w.store.QueueCommand(w.t.Context(), &c); err != nil {
		w.t.Fatal(err)
	}
	if err := b.PublishCommand(c.Change()); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// wait waits until a command is in a state.
func (w *world) wait(c data.QueuedCommand, state data.CommandState) data.QueuedCommand {
	w.t.Helper()
	var now data.QueuedCommand
	w.eventually(func() bool {
		var err error
		now, err = w.store.Command(w.t.Context(), c.ID)
		return err == nil && now.State == state
	}, func() string { return fmt.Sprintf("command %d is %s (%s), not %s", c.ID, now.State, now.Text, state) })
	return now
}

// reaches lets a device speak until a command is in a state: its first words may
// come before the tracker has heard of the command.
func (w *world) reaches(c data.QueuedCommand, state data.CommandState, speak func()) {
	w.t.Helper()
	w.eventually(func() bool {
		speak()
		now, err := w.store.Command(w.t.Context(), c.ID)
		return err == nil && now.State == state
	}, func() string { return fmt.Sprintf("command %d is not %s", c.ID, state) })
}

func (w *world) eventually(reached func() bool, otherwise func() string) {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatal(otherwise())
		}
	}
}

// states are those a command went through, as stored.
func (w *world) states(c data.QueuedCommand) string {
	w.t.Helper()
	steps, err := w.store.CommandSteps(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, s := range steps {
		all = append(all, string(s.State))
	}
	return strings.Join(all, " ")
}

// recorded waits for the event of a command, of which there is one.
func (w *world) recorded(c data.QueuedCommand, kind string) (found data.Event) {
	w.t.Helper()
	n := 0
	w.eventually(func() bool {
		n = 0
		err := w.store.EventsBetween(w.t.Context(), storage.EventFilter{DeviceIDs: []int64{c.DeviceID}, Types: []string{kind}}, 0, func(e *data.Event) error {
			if e.Detail == strconv.FormatInt(c.ID, 10) {
				found = *e
				n++
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
		return n == 1
	}, func() string { return fmt.Sprintf("%d events %s of command %d", n, kind, c.ID) })
	return found
}

// told waits until the bus has told of a state of a command.
func (w *world) told(c data.QueuedCommand, state data.CommandState) {
	w.t.Helper()
	w.eventually(func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.ContainsFunc(w.changes, func(o data.CommandChange) bool { return o.ID == c.ID && o.State == state })
	}, func() string { return fmt.Sprintf("nobody told that command %d is %s", c.ID, state) })
}

// peer is a device.
type peer struct {
	t *testing.T
	net.Conn
	buf []byte
}

func dialDevice(t *testing.T, network, addr string) *peer {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &peer{t: t, Conn: conn}
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// read reads until take finds a message at the front of what has come: take
// returns its size, 0 if there is none yet.
func (p *peer) read(take func(b []byte) int) []byte {
	p.t.Helper()
	m, err := p.tryRead(take)
	if err != nil {
		p.t.Fatalf("after %x: %v", p.buf, err)
	}
	return m
}

func (p *peer) tryRead(take func(b []byte) int) ([]byte, error) {
	for {
		if n := take(p.buf); n > 0 {
			m := p.buf[:n:n]
			p.buf = p.buf[n:]
			return m, nil
		}
		var b [2048]byte
		n, err := p.Read(b[:])
		if n == 0 && err != nil {
			return nil, err
		}
		p.buf = append(p.buf, b[:n]...)
	}
}

// closed reads what still comes until the connection ends.
func (p *peer) closed() []byte {
	rest, _ := io.ReadAll(p)
	return append(p.buf, rest...)
}

const imei = "860000000000018"

// gt06Device is a device that speaks gt06.
type gt06Device struct{ *peer }

func (r *running) gt06(t *testing.T) gt06Device {
	t.Helper()
	d := gt06Device{dialDevice(t, "tcp", r.addr["gt06/tcp"])}
	d.send(gt06.AppendLogin(nil, imei, 1))
	d.expect(gt06.LoginType)
	return d
}

// expect reads the next frame, which must be of a type.
func (d gt06Device) expect(kind byte) []byte {
	d.t.Helper()
	var got byte
	frame := d.read(func(b []byte) (n int) { got, _, n = gt06.Answer(b); return n })
	if got != kind {
		d.t.Fatalf("the server sent type %#x (%x), want %#x", got, frame, kind)
	}
	return frame
}

// command reads a command and returns its text.
func (d gt06Device) command() string {
	d.t.Helper()
	text, _, ok := gt06.Command(d.expect(gt06.CommandType))
	if !ok {
		d.t.Fatal("a command without text")
	}
	return text
}

// nextCommand is command after whatever else comes.
func (d gt06Device) nextCommand() string {
	d.t.Helper()
	for {
		var kind byte
		frame := d.read(func(b []byte) (n int) { kind, _, n = gt06.Answer(b); return n })
		if text, _, ok := gt06.Command(frame); kind == gt06.CommandType && ok {
			return text
		}
	}
}

// beat sends a heartbeat; its answer is the next thing to come.
func (d gt06Device) beat() {
	d.t.Helper()
	d.send(gt06.AppendHeartbeat(nil, &data.Position{}, 3))
	d.expect(gt06.HeartbeatType)
}

func position(at time.Time, kmh float64) *data.Position {
	p := &data.Position{FixTime: at, Valid: true, Latitude: 52.5, Longitude: 13.4, SpeedKnots: kmh / 1.852}
	p.Attributes.SetInt("sat", 9)
	return p
}

func text(s string) data.Attribute { return data.Attribute{Key: "data", Value: data.String(s)} }
