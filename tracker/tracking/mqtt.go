package tracking

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/transport"
)

// The MQTT ports have names in Config.Ports like protocols, and the default
// ports of the registry of IANA.
const (
	mqttName, mqttPort   = "mqtt", 1883
	mqttsName, mqttsPort = "mqtts", 8883
	// mqttFrame bounds an MQTT packet in bytes.
	mqttFrame = 64 << 10
	// certificateAge is how long a certificate is used before its files are read
	// again: they are renewed while we run.
	certificateAge = time.Minute
)

// MQTTClientConfig names a broker to read from.
type MQTTClientConfig struct {
	URL      string   `koanf:"url" desc:"MQTT 5 broker to read from: mqtt://HOST:1883 or mqtts://HOST:8883; empty is none"`
	Username string   `koanf:"username" desc:"user at that broker"`
	Password string   `koanf:"password" desc:"password at that broker" secret:"true"`
	ClientID string   `koanf:"client-id" desc:"name of our session at that broker; each tracker needs its own"`
	Topics   []string `koanf:"topics" desc:"topics to read there; by protocol: owntracks/#, waymark/#"`
	CAFile   string   `koanf:"ca-file" desc:"certificates (PEM) to trust for that broker, instead of the system's"`
}

// defaultMQTTClient reads nothing.
func defaultMQTTClient() MQTTClientConfig {
	return MQTTClientConfig{ClientID: "waymark", Topics: []string{"owntracks/#", "waymark/#"}}
}

// validate checks what can be checked without connecting.
func (c MQTTClientConfig) validate() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("mqtt-client.url is no address, want mqtt://HOST:1883 or mqtts://HOST:8883: %w", data.ErrInvalid)
	case u.Scheme != "mqtt" && u.Scheme != "mqtts" && u.Scheme != "ws" && u.Scheme != "wss":
		return fmt.Errorf("mqtt-client.url begins with %s://, want mqtt, mqtts, ws or wss: %w", u.Scheme, data.ErrInvalid)
	case u.User != nil:
		return fmt.Errorf("mqtt-client.url holds a user; use mqtt-client.username and mqtt-client.password: %w", data.ErrInvalid)
	case len(c.Topics) == 0 || c.ClientID == "":
		return fmt.Errorf("mqtt-client.topics and mqtt-client.client-id must not be empty: %w", data.ErrInvalid)
	}
	return nil
}

// mqttPorts are the ports of the broker: none if no protocol is spoken over
// MQTT, and the one with TLS only with a certificate.
func (t *Tracker) mqttPorts() (out []protocol.Protocol) {
	if !t.speaksMQTT() {
		return nil
	}
	out = append(out, protocol.Protocol{Name: mqttName, Port: mqttPort, Transports: protocol.MQTT})
	if t.cfg.TLSCertFile != "" {
		out = append(out, protocol.Protocol{Name: mqttsName, Port: mqttsPort, Transports: protocol.MQTT})
	}
	return out
}

// listenMQTT opens the ports of the broker, and prepares reading from another.
func (t *Tracker) listenMQTT() (err error) {
	if t.upstream, err = t.cfg.MQTTClient.upstream(); err != nil {
		return err
	}
	var errs []error
	for _, p := range t.mqttPorts() {
		number, on, err := t.cfg.port(p)
		if err != nil || !on {
			errs = append(errs, err)
			continue
		}
		if err := t.open(p, protocol.MQTT, number); err != nil {
			errs = append(errs, err)
			continue
		}
		if p.Name == mqttsName {
			files := &certificate{certFile: t.cfg.TLSCertFile, keyFile: t.cfg.TLSKeyFile}
			cfg, err := files.config()
			if err != nil {
				errs = append(errs, err)
				continue
			}
			o := t.ports[len(t.ports)-1]
			o.listener = tls.NewListener(o.listener, cfg)
		}
	}
	return errors.Join(errs...)
}

// serveMQTT starts the broker on all its ports, and the reading from another.
func (t *Tracker) serveMQTT(ctx context.Context, group *errgroup.Group, pool *transport.Pool) {
	var listeners []net.Listener
	if t.speaksMQTT() {
		if handed := t.mqttListener(); handed != nil {
			listeners = append(listeners, handed)
		}
	}
	for _, o := range t.ports {
		if o.transport == protocol.MQTT {
			listeners = append(listeners, o.listener)
		}
	}
	log := t.deps.Log.With("transport", protocol.MQTT.String())
	if len(listeners) > 0 {
		lim := transport.DefaultLimits
		lim.Connections, lim.Frame = t.cfg.MaxConnections, mqttFrame
		counter := t.metrics.transport(mqttName, protocol.MQTT)
		group.Go(func() error {
			return transport.ServeMQTT(ctx, listeners, newBroker(t, &t.clients), &t.clients, lim, pool, counter, log)
		})
	}
	if t.upstream != nil {
		group.Go(func() error { return t.serveUpstream(ctx, log) })
	}
}

func (t *Tracker) speaksMQTT() bool {
	return slices.ContainsFunc(t.deps.Protocols, func(p protocol.Protocol) bool { return p.Transports&protocol.MQTT != 0 })
}

// certificate reads a certificate from files, anew from time to time.
type certificate struct {
	certFile, keyFile string

	mu     sync.Mutex
	loaded time.Time
	cert   *tls.Certificate
}

func (c *certificate) config() (*tls.Config, error) {
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && time.Since(c.loaded) < certificateAge {
		return c.cert, nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	switch {
	case err == nil:
		c.cert, c.loaded = &pair, time.Now()
	case c.cert == nil:
		return nil, fmt.Errorf("read tracker.tls-cert-file and tracker.tls-key-file: %w", err)
	}
	return c.cert, nil // while it is being renewed the old one is still good
}

// upstream makes what is needed to read from another broker; nil for none.
func (c MQTTClientConfig) upstream() (*transport.Upstream, error) {
	if c.URL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read tracker.mqtt-client.url: %w: %w", data.ErrInvalid, err)
	}
	out := &transport.Upstream{URL: u, Username: c.Username, Password: c.Password, ClientID: c.ClientID, Topics: c.Topics}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tracker.mqtt-client.ca-file: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("tracker.mqtt-client.ca-file holds no certificate in PEM form: %w", data.ErrInvalid)
		}
		out.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return out, nil
}

// ignoreNotFound takes what is gone for nothing.
func ignoreNotFound(err error) error {
	if errors.Is(err, data.ErrNotFound) {
		return nil
	}
	return err
}

// serveUpstream reads from the other broker. Its users were asked who they are
// there; tokens are not asked for again.
func (t *Tracker) serveUpstream(ctx context.Context, log *slog.Logger) error {
	out := &transport.UpstreamSender{}
	b := newBroker(t, out)
	take := func(ctx context.Context, topic string, payload []byte) error {
		return b.take(ctx, &protocol.Message{Topic: topic, Payload: payload}, proof{trusted: true}, t.upstream.URL.Host)
	}
	return transport.ServeUpstream(ctx, *t.upstream, take, out, transport.DefaultLimits.Answer, log)
}
