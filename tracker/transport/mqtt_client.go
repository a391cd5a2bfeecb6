package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// Upstream is a broker of somebody else, to which we are a client.
type Upstream struct {
	// URL is mqtt://host:1883, mqtts://host:8883, or ws and wss.
	URL                          *url.URL
	Username, Password, ClientID string
	// Topics are the subscriptions.
	Topics []string
	// TLS is nil for the system's certificates.
	TLS *tls.Config
}

const (
	// upstreamSession is how long the broker shall keep what comes while we are
	// away, in s: a week.
	upstreamSession = 7 * 24 * 3600
	// upstreamKeepalive is how often we show that we are there, in s.
	upstreamKeepalive = 30
	// upstreamInflight bounds the publications that wait for durability at once;
	// the broker keeps the others.
	upstreamInflight = 64
	// upstreamAcks is how often acknowledgements are sent: they go in the order
	// of the publications.
	upstreamAcks = 10 * time.Millisecond
	// retryFirst and retryMost bound the pause before something is tried again.
	retryFirst, retryMost = 500 * time.Millisecond, 30 * time.Second
	// upstreamAnswer is how long an answer of the broker may take.
	upstreamAnswer = 15 * time.Second
)

// Take makes a publication durable. An error that wraps ErrRefused says that it
// is of no use to us.
type Take func(ctx context.Context, topic string, payload []byte) error

// ServeUpstream reads the topics of a broker (MQTT 5) until ctx ends, and
// connects again as often as needed. The session stays with the broker, and a
// publication is acknowledged when take has returned: what comes while we are
// away or the disk is full comes again.
// out sends to its clients meanwhile.
func ServeUpstream(ctx context.Context, u Upstream, take Take, out *UpstreamSender, limit time.Duration, log *slog.Logger) error {
	s := &upstream{u: u, take: take, limit: limit, log: log.With("broker", u.URL.Host), slots: make(chan struct{}, upstreamInflight)}
	defer s.workers.Wait()
	cm, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls:            []*url.URL{u.URL},
		TlsCfg:                u.TLS,
		KeepAlive:             upstreamKeepalive,
		SessionExpiryInterval: upstreamSession,
		ReconnectBackoff:      backoff,
		ConnectTimeout:        upstreamAnswer,
		ConnectUsername:       u.Username,
		ConnectPassword:       []byte(u.Password),
		ConnectPacketBuilder: func(p *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			if p.Properties == nil {
				p.Properties = &paho.ConnectProperties{}
			}
			most := uint16(upstreamInflight)
			p.Properties.ReceiveMaximum = &most
			p.Properties.RequestProblemInfo = true // the broker shall say why it refuses something
			return p, nil
		},
		OnConnectionUp: func(cm *autopaho.ConnectionManager, _ *paho.Connack) {
			s.log.Info("connected to the MQTT broker")
			s.workers.Go(func() { s.subscribe(ctx, cm) })
		},
		OnConnectError: func(err error) {
			s.log.Warn("MQTT broker not reached", "err", err, "hint", "see tracker.mqtt-client")
		},
		ClientConfig: paho.ClientConfig{
			ClientID:                   u.ClientID,
			EnableManualAcknowledgment: true,
			SendAcksInterval:           upstreamAcks,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(pr paho.PublishReceived) (bool, error) { s.received(ctx, pr); return true, nil },
			},
			OnClientError: func(err error) { s.log.Warn("MQTT broker lost", "err", err) },
		},
	})
	if err != nil {
		return fmt.Errorf("connect to %s: %w", u.URL.Host, err)
	}
	out.use(cm)
	defer out.use(nil)
	<-cm.Done()
	return nil
}

// UpstreamSender is the Sender of ServeUpstream. The zero value reaches nobody.
type UpstreamSender struct {
	mu sync.Mutex
	cm *autopaho.ConnectionManager
}

func (s *UpstreamSender) use(cm *autopaho.ConnectionManager) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cm = cm
}

// Reaches implements Sender. Who reads a topic there is found out by sending.
func (s *UpstreamSender) Reaches(string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cm != nil
}

// noSubscribers is what a broker answers when nobody reads a topic (MQTT 5,
// 3.4.2.1). Not all of them say so.
const noSubscribers = 0x10

// Send implements Sender.
func (s *UpstreamSender) Send(topic string, payload []byte) error {
	s.mu.Lock()
	cm := s.cm
	s.mu.Unlock()
	if cm == nil {
		return ErrNobody
	}
	ctx, cancel := context.WithTimeout(context.Background(), upstreamAnswer)
	defer cancel()
	answer, err := cm.Publish(ctx, &paho.Publish{QoS: 1, Topic: topic, Payload: payload})
	switch {
	case errors.Is(err, autopaho.ConnectionDownError), answer != nil && answer.ReasonCode == noSubscribers:
		return ErrNobody
	case err != nil:
		return fmt.Errorf("publish at the broker: %w", err)
	}
	return nil
}

func backoff(attempt int) time.Duration {
	return min(retryMost, retryFirst<<min(attempt, 10))
}

type upstream struct {
	u       Upstream
	take    Take
	limit   time.Duration
	log     *slog.Logger
	slots   chan struct{}
	workers sync.WaitGroup
}

// subscribe asks for the topics, until the broker agrees or the connection ends.
func (s *upstream) subscribe(ctx context.Context, cm *autopaho.ConnectionManager) {
	request := &paho.Subscribe{}
	for _, topic := range s.u.Topics {
		// What we send ourselves shall not come back, or the broker could never say
		// that nobody reads a command. A shared subscription cannot be told so (MQTT
		// 5, 3.8.3.1).
		shared := strings.HasPrefix(topic, "$share/")
		request.Subscriptions = append(request.Subscriptions, paho.SubscribeOptions{Topic: topic, QoS: 1, NoLocal: !shared})
	}
	for attempt := 0; ; attempt++ {
		limited, cancel := context.WithTimeout(ctx, upstreamAnswer)
		_, err := cm.Subscribe(limited, request)
		cancel()
		if err == nil || ctx.Err() != nil || errors.Is(err, autopaho.ConnectionDownError) {
			return
		}
		s.log.Warn("MQTT broker refuses a subscription", "topics", s.u.Topics, "err", err, "hint", "let the user of tracker.mqtt-client read these topics")
		if !pause(ctx, nil, attempt) {
			return
		}
	}
}

// received hands a publication to a worker, as soon as one is free.
func (s *upstream) received(ctx context.Context, pr paho.PublishReceived) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return // unacknowledged: it comes again
	}
	s.workers.Go(func() {
		defer func() { <-s.slots }()
		if s.durable(ctx, pr) {
			if err := pr.Client.Ack(pr.Packet); err != nil {
				s.log.Debug("acknowledge publication", "err", err)
			}
		}
	})
}

// durable tries to make a publication durable until it is, or until nobody waits
// for it any more.
func (s *upstream) durable(ctx context.Context, pr paho.PublishReceived) bool {
	for attempt := 0; ; attempt++ {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limit)
		err := s.take(limited, pr.Packet.Topic, pr.Packet.Payload)
		cancel()
		if err == nil || errors.Is(err, ErrRefused) {
			return true
		}
		s.log.Warn("publication not taken", "err", err)
		if !pause(ctx, pr.Client.Done(), attempt) {
			return false
		}
	}
}

// pause waits a while before the next attempt; false if there shall be none.
func pause(ctx context.Context, gone <-chan struct{}, attempt int) bool {
	timer := time.NewTimer(backoff(attempt))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
		return false
	case <-ctx.Done():
		return false
	}
}
