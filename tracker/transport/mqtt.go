package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// Client is who publishes or subscribes: what an MQTT connection says of itself.
type Client struct {
	Username, Password string
	// Remote is its network address.
	Remote string
}

// Broker decides about MQTT clients and takes what they publish.
type Broker interface {
	// Connect tells whether a client may come in. will is the topic of its last
	// will, "" if it has none. topic is the one it speaks for, "" if that is not
	// known yet; subscriptions with wildcards are narrowed to it.
	Connect(ctx context.Context, c Client, will string, payload []byte) (topic string, ok bool)
	// Reads tells whether a client may read a topic.
	Reads(ctx context.Context, c Client, topic string) bool
	// Publish returns when a publication is durable, or found to be of no use. An
	// error that wraps ErrRefused says that it is not taken; after any other the
	// connection is closed without an acknowledgement, so that the client sends
	// it again.
	Publish(ctx context.Context, c Client, topic string, payload []byte) error
	// Acknowledged says that a client has what was sent to a topic.
	Acknowledged(ctx context.Context, topic string)
}

// ErrNobody says that nobody reads a topic.
var ErrNobody = errors.New("nobody reads the topic")

// Sender sends to the clients of a broker.
type Sender interface {
	// Reaches tells whether somebody who is connected reads a topic, as far as is
	// known.
	Reaches(topic string) bool
	// Send publishes with quality 1. Nobody reads the topic: ErrNobody.
	Send(topic string, payload []byte) error
}

// MQTTSender is the Sender of ServeMQTT. The zero value reaches nobody.
type MQTTSender struct {
	mu     sync.Mutex
	server *mqtt.Server
}

func (s *MQTTSender) serve(server *mqtt.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
}

func (s *MQTTSender) running() *mqtt.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// Reaches implements Sender.
func (s *MQTTSender) Reaches(topic string) bool {
	server := s.running()
	if server == nil {
		return false
	}
	for id := range server.Topics.Subscribers(topic).Subscriptions {
		if cl, ok := server.Clients.Get(id); ok && !cl.Closed() {
			return true
		}
	}
	return false
}

// Send implements Sender.
func (s *MQTTSender) Send(topic string, payload []byte) error {
	server := s.running()
	if server == nil || !s.Reaches(topic) {
		return ErrNobody
	}
	return server.Publish(topic, payload, false, 1)
}

// ErrRefused says that a client may not publish to a topic.
var ErrRefused = errors.New("publication refused")

const (
	// maxKeepalive is the longest silence that a client may ask for; the longest
	// default of an app is one hour. A client that asks for none gets it too.
	maxKeepalive = 3600 // s
	// maxInflight bounds the messages on their way to or from one client.
	maxInflight = 64
	// maxSubscriptions bounds the subscriptions of one client.
	maxSubscriptions = 32
	// maxSession is how long the subscriptions of an absent client are kept.
	maxSession = 3600 // s
	// maxRefusals is how many refused publications end a connection.
	maxRefusals = 16
	// sysInterval is how often the broker counts itself, in s; nobody may read it.
	sysInterval = 3600
	// stopTimeout is how long clients may take to end when the broker stops.
	stopTimeout = 5 * time.Second
)

// ServeMQTT is an MQTT broker (3.1.1 and 5) on the listeners until ctx ends. It
// keeps nothing on disk. A publication of quality 1 or 2 is acknowledged when
// Broker.Publish has returned, and not before.
// out sends to its clients meanwhile.
func ServeMQTT(ctx context.Context, ls []net.Listener, b Broker, out *MQTTSender, lim Limits, pool *Pool, c Counter, log *slog.Logger) error {
	server := mqtt.New(&mqtt.Options{
		Capabilities: &mqtt.Capabilities{
			MaximumClients:               int64(lim.Connections),
			MaximumMessageExpiryInterval: maxSession,
			MaximumClientWritesPending:   maxInflight,
			MaximumSessionExpiryInterval: maxSession,
			MaximumPacketSize:            uint32(lim.Frame),
			ReceiveMaximum:               maxInflight,
			MaximumInflight:              maxInflight,
			MinimumProtocolVersion:       3,
			MaximumQos:                   2,
			RetainAvailable:              1, // accepted, and not kept; without it wills with the mark would be refused
			WildcardSubAvailable:         1,
			SubIDAvailable:               1,
			// Topic aliases stay off: the broker asks for permission before it
			// resolves them.
		},
		// The broker would log payloads, that is coordinates.
		Logger:                 slog.New(slog.DiscardHandler),
		SysTopicResendInterval: sysInterval,
		InlineClient:           true, // for out
	})
	if err := server.AddHook(&mqttHook{ctx: context.WithoutCancel(ctx), broker: b, limit: lim.Answer, log: log}, nil); err != nil {
		return fmt.Errorf("start the MQTT broker: %w", err)
	}
	open := &mqttConns{conns: map[*mqttConn]struct{}{}}
	for i, l := range ls {
		accept := &mqttListener{Listener: &limited{l, lim, pool, c}, ctx: ctx, open: open, lim: lim, c: c, log: log}
		if err := server.AddListener(listeners.NewNet(fmt.Sprintf("mqtt%d", i), accept)); err != nil {
			return fmt.Errorf("start the MQTT broker: %w", err)
		}
	}
	if err := server.Serve(); err != nil {
		return fmt.Errorf("start the MQTT broker: %w", err)
	}
	out.serve(server)
	defer out.serve(nil)
	<-ctx.Done()
	for _, l := range ls {
		l.Close()
	}
	open.drain(stopTimeout)
	return server.Close()
}

// mqttListener accepts clients, patiently: the broker gives a listener up after
// the first error.
type mqttListener struct {
	net.Listener
	ctx  context.Context
	open *mqttConns
	lim  Limits
	c    Counter
	log  *slog.Logger
}

func (l *mqttListener) Accept() (net.Conn, error) {
	for attempt := 0; ; attempt++ {
		conn, err := l.Listener.Accept()
		if err == nil {
			// Until the client has connected, the broker sets no deadline.
			conn.SetDeadline(time.Now().Add(l.lim.Greeting))
			return l.open.add(conn, l.c), nil
		}
		if !retryAccept(l.ctx, l.log, attempt, err) {
			return nil, err
		}
	}
}

// mqttConn is a connection, and what is known of its client.
type mqttConn struct {
	net.Conn
	open    *mqttConns
	counter Counter
	// client and topic are set before the client is let in, and then only read.
	client Client
	topic  string
	// refusals is used by the goroutine that reads.
	refusals int
	// sent are the topics of what we sent and the client has not acknowledged, by
	// packet id; the broker bounds them. open.mu guards it.
	sent map[uint16]string
}

func (c *mqttConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.counter.Bytes(n, 0)
	return n, err
}

func (c *mqttConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.counter.Bytes(0, n)
	return n, err
}

// SetDeadline ends the reading at once when the broker stops: what has been read
// is still answered.
func (c *mqttConn) SetDeadline(t time.Time) error {
	c.open.mu.Lock()
	defer c.open.mu.Unlock()
	if !c.open.stopping {
		return c.Conn.SetDeadline(t)
	}
	return errors.Join(c.Conn.SetReadDeadline(time.Unix(1, 0)), c.Conn.SetWriteDeadline(t))
}

func (c *mqttConn) Close() error {
	c.open.remove(c)
	return c.Conn.Close()
}

// mqttConns are the open connections.
type mqttConns struct {
	mu       sync.Mutex
	conns    map[*mqttConn]struct{}
	stopping bool
	// empty is closed when the last one is gone; nil before drain.
	empty chan struct{}
}

func (s *mqttConns) add(conn net.Conn, c Counter) *mqttConn {
	m := &mqttConn{Conn: conn, open: s, counter: c, client: Client{Remote: conn.RemoteAddr().String()}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[m] = struct{}{}
	if s.stopping {
		conn.SetReadDeadline(time.Unix(1, 0))
	}
	return m
}

func (s *mqttConns) remove(c *mqttConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; !ok {
		return
	}
	delete(s.conns, c)
	if s.stopping && len(s.conns) == 0 {
		close(s.empty)
	}
}

// drain lets clients finish what they have begun.
func (s *mqttConns) drain(limit time.Duration) {
	s.mu.Lock()
	s.stopping, s.empty = true, make(chan struct{})
	if len(s.conns) == 0 {
		s.mu.Unlock()
		return
	}
	for c := range s.conns {
		c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.empty:
	case <-timer.C:
	}
}
