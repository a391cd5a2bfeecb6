// Package tracking turns what devices send into durable positions: bytes ->
// frames -> packets -> devices -> the bus. A device gets its answer when every
// position that the answer confirms is on disk, and not before.
package tracking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/statistics"
)

// Devices recognises devices.
type Devices interface {
	// ByUniqueID returns data.ErrNotFound for a stranger.
	ByUniqueID(ctx context.Context, uniqueID string) (data.Device, error)
	// Invalidate forgets what was known about a device, strangers included.
	Invalidate(c data.DeviceChange)
}

// Store is what tracking writes itself.
type Store interface {
	CreateDevice(ctx context.Context, d *data.Device) error
	TouchDevices(ctx context.Context, seen map[int64]time.Time) error
	DisconnectDevices(ctx context.Context, closed map[int64]data.Disconnection) error
	RecordUnknownDevices(ctx context.Context, seen []data.UnknownDevice) error
}

// Announcer tells the other services about devices.
type Announcer interface {
	PublishDevice(data.DeviceChange) error
	// PublishSeen tells who spoke without leaving a position.
	PublishSeen(map[int64]time.Time) error
}

// Deps are the parts tracking works with.
type Deps struct {
	Protocols []protocol.Protocol
	Devices   Devices
	Store     Store
	Bus       Announcer
	Publisher Publisher
	// Commands and CommandBus are for commands; without both there are none.
	Commands   CommandStore
	CommandBus CommandBus
	Log        *slog.Logger
	Metrics    *metric.Set
	// Statistics counts messages. Optional.
	Statistics *statistics.Counters
	// RawLog carries raw messages to whoever is watching; nil: nobody can.
	RawLog RawLogBus
	// Friends knows which devices may know where others are; nil: none may.
	Friends Friends
	// Files keeps what devices send beside reports; nil: nobody does.
	Files FileStore
	// Now is the clock.
	Now func() time.Time
}

// Tracker listens for devices.
type Tracker struct {
	cfg       Config
	deps      Deps
	committer *committer
	sightings *sightings
	outbox    *outbox
	files     *files
	addresses addresses
	raw       *rawLog
	any       *anyPort // nil if it is off
	metrics   *metrics
	ports     []*port
	upstream  *transport.Upstream // nil for none
	clients   transport.MQTTSender
}

// port is one open listener.
type port struct {
	protocol  protocol.Protocol
	transport protocol.Transport
	listener  net.Listener   // TCP and HTTP
	packets   net.PacketConn // UDP
}

// Address is where a protocol can be reached.
type Address struct {
	Protocol  string
	Transport protocol.Transport
	Addr      net.Addr
}

// New opens every port. It opens all or none: a port that is taken is an error
// that names it.
func New(cfg Config, deps Deps) (*Tracker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := newMetrics(deps.Metrics, deps.Statistics)
	t := &Tracker{
		cfg: cfg, deps: deps, metrics: m,
		committer: newCommitter(deps.Publisher, m, deps.Log),
		sightings: newSightings(deps),
		outbox:    newOutbox(deps, m.commands),
		files:     newFiles(cfg, deps.Files, m),
		raw:       newRawLog(deps),
	}
	if err := t.listen(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *Tracker) listen() error {
	known := map[string]bool{}
	var errs []error
	for _, p := range t.deps.Protocols {
		known[p.Name] = true
		number, on, err := t.cfg.port(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !on {
			continue
		}
		for _, tr := range []protocol.Transport{protocol.TCP, protocol.UDP, protocol.HTTP} {
			if p.Transports&tr == 0 {
				continue
			}
			if err := t.open(p, tr, number); err != nil {
				errs = append(errs, err)
			}
		}
	}
	errs = append(errs, t.listenAny(), t.listenMQTT())
	for name := range t.cfg.Ports {
		if !known[name] && !slices.Contains([]string{anyProtocol, mqttName, mqttsName}, name) {
			errs = append(errs, fmt.Errorf("tracker.ports names the protocol %q, which does not exist: %w", name, data.ErrInvalid))
		}
	}
	for _, name := range t.cfg.KeepOnline {
		if !known[name] {
			errs = append(errs, fmt.Errorf("tracker.keep-online names the protocol %q, which does not exist: %w", name, data.ErrInvalid))
		}
	}
	return errors.Join(errs...)
}

func (t *Tracker) open(p protocol.Protocol, tr protocol.Transport, number int) (err error) {
	o := &port{protocol: p, transport: tr}
	addr := net.JoinHostPort(t.cfg.Host, strconv.Itoa(number))
	if tr == protocol.UDP {
		o.packets, err = net.ListenPacket("udp", addr)
	} else {
		o.listener, err = net.Listen("tcp", addr)
	}
	if err != nil {
		setting := fmt.Sprintf("tracker.ports (%s=PORT or %s=off)", p.Name, p.Name)
		if p.Name == anyName {
			setting = "tracker.any-port (PORT or off)"
		}
		return fmt.Errorf("open the %s port of %s: %w; set %s or tracker.port-offset if another program uses it", tr, p.Name, err, setting)
	}
	t.ports = append(t.ports, o)
	return nil
}

func (t *Tracker) close() {
	for _, o := range t.ports {
		if o.listener != nil {
			o.listener.Close()
		}
		if o.packets != nil {
			o.packets.Close()
		}
	}
}

// Addresses tells where the protocols can be reached.
func (t *Tracker) Addresses() []Address {
	var out []Address
	for _, o := range t.ports {
		a := Address{Protocol: o.protocol.Name, Transport: o.transport}
		if o.listener != nil {
			a.Addr = o.listener.Addr()
		} else {
			a.Addr = o.packets.LocalAddr()
		}
		out = append(out, a)
	}
	return out
}

// Run serves devices until ctx ends. What was received by then is made durable
// and answered.
func (t *Tracker) Run(ctx context.Context) error {
	// The committer and the lists outlive the listeners, which still need them
	// for what they have taken.
	after, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, t.sightings.end)()
	var behind errgroup.Group
	behind.Go(func() error { t.committer.run(after); return nil })
	behind.Go(func() error { t.sightings.run(after); return nil })
	behind.Go(func() error { return t.outbox.run(after) })
	behind.Go(func() error { return t.raw.run(after) })

	var front errgroup.Group
	pool := &transport.Pool{}
	t.serveMQTT(ctx, &front, pool)
	for _, o := range t.ports {
		if o.transport != protocol.MQTT {
			front.Go(func() error { return t.serve(ctx, o, pool) })
		}
	}
	err := front.Wait()
	stop()
	return errors.Join(err, behind.Wait())
}

func (t *Tracker) serve(ctx context.Context, o *port, pool *transport.Pool) error {
	lim := transport.DefaultLimits
	lim.Connections = t.cfg.MaxConnections
	if o.protocol.MaxFrame > 0 {
		lim.Frame = o.protocol.MaxFrame
	}
	counter := t.metrics.transport(o.protocol.Name, o.transport)
	h := &handler{t: t, protocol: o.protocol, count: t.metrics.protocol(o.protocol.Name)}
	log := t.deps.Log.With("protocol", o.protocol.Name, "transport", o.transport.String())
	if o.protocol.Name == anyName {
		return t.any.serve(ctx, o, pool, log)
	}
	switch o.transport {
	case protocol.UDP:
		return transport.ServeUDP(ctx, o.packets, h, lim, counter, log)
	case protocol.HTTP:
		requests, longest := t.httpHandler(h, lim.Frame)
		lim.Frame = longest
		return transport.ServeHTTP(ctx, o.listener, requests, lim, pool, counter, log)
	}
	return transport.ServeTCP(ctx, o.listener, h, lim, pool, counter, log)
}
