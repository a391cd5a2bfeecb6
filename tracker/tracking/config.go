package tracking

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Config says where trackers connect and what they may do.
type Config struct {
	Host            string            `koanf:"host" desc:"address the tracker ports listen on; empty is all addresses"`
	PortOffset      int               `koanf:"port-offset" desc:"added to every default port"`
	Ports           map[string]string `koanf:"ports" desc:"another port for a protocol, or off, * for all that are not named: gt06=15023,*=off"`
	AnyPort         string            `koanf:"any-port" desc:"port for devices of any protocol, which is recognised by what they send (TCP, UDP, HTTP, MQTT, TLS); or off; empty is 5000 plus port-offset, or off if * is off in ports"`
	RegisterUnknown bool              `koanf:"register-unknown" desc:"register devices that nobody has added, instead of refusing them"`
	MaxConnections  int               `koanf:"max-connections" desc:"open TCP connections of trackers, all ports together"`
	KeepOnline      []string          `koanf:"keep-online" desc:"protocols whose devices hang up after each report: that does not make them offline, only silence makes them unknown"`
	KeepFiles       int               `koanf:"keep-files" desc:"photos and sounds kept per device, the newest ones; 0 keeps none"`
	KeepFilesMB     int               `koanf:"keep-files-mb" desc:"space for them per device; 0 keeps none"`
	TLSCertFile     string            `koanf:"tls-cert-file" desc:"certificate (PEM) for devices that connect with TLS; empty: none can"`
	TLSKeyFile      string            `koanf:"tls-key-file" desc:"private key (PEM) of that certificate"`
	MQTTClient      MQTTClientConfig  `koanf:"mqtt-client"`
}

// DefaultConfig listens on every default port and refuses strangers.
func DefaultConfig() Config {
	return Config{MaxConnections: 100_000, KeepFiles: 500, KeepFilesMB: 100, MQTTClient: defaultMQTTClient()}
}

// Validate checks the values that can be checked without the list of protocols.
func (c Config) Validate() error {
	var errs []error
	if c.MaxConnections < 1 {
		errs = append(errs, fmt.Errorf("max-connections is %d, it must be at least 1: %w", c.MaxConnections, data.ErrInvalid))
	}
	if c.KeepFiles < 0 || c.KeepFilesMB < 0 {
		errs = append(errs, fmt.Errorf("keep-files is %d and keep-files-mb %d, they must not be negative: %w", c.KeepFiles, c.KeepFilesMB, data.ErrInvalid))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Ports)) {
		if _, _, err := parsePort(c.Ports[name]); err != nil {
			errs = append(errs, fmt.Errorf("ports.%s: %w", name, err))
		}
	}
	if _, _, err := c.anyPort(); err != nil {
		errs = append(errs, err)
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		errs = append(errs, fmt.Errorf("tls-cert-file and tls-key-file belong together, one of them is not set: %w", data.ErrInvalid))
	}
	if err := c.MQTTClient.validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// anyProtocol stands in Config.Ports for every protocol that has no entry.
const anyProtocol = "*"

// parsePort reads "15023", "0" (any free port) or "off".
func parsePort(s string) (port int, on bool, err error) {
	if s == "off" {
		return 0, false, nil
	}
	port, err = strconv.Atoi(s)
	if err != nil || port < 0 || port > 65535 {
		return 0, false, fmt.Errorf("%q is neither a port (0 to 65535) nor off: %w", s, data.ErrInvalid)
	}
	return port, true, nil
}

// port is where a protocol listens.
func (c Config) port(p protocol.Protocol) (port int, on bool, err error) {
	for _, name := range [...]string{p.Name, anyProtocol} {
		if name == anyProtocol && p.Port == 0 {
			return 0, false, nil // it shares the port of another
		}
		if s, ok := c.Ports[name]; ok {
			return parsePort(s)
		}
	}
	port = p.Port + c.PortOffset
	if port < 1 || port > 65535 {
		return 0, false, fmt.Errorf("tracker.port-offset %d puts %s on port %d, which does not exist: %w", c.PortOffset, p.Name, port, data.ErrInvalid)
	}
	return port, true, nil
}
