package api

import (
	"fmt"
	"net"
	"net/url"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const maxTokenRate = 10_000

// Config is what an operator can set.
type Config struct {
	Listen string `koanf:"listen" desc:"address and port of the web interface and its API"`
	// InterlockSpeed is data.InterlockSpeedKmh unless somebody says otherwise.
	URL            string          `koanf:"url" desc:"address that people open, like https://track.example.org; needed for passkeys, OpenID and mails with links"`
	TrustedProxies []string        `koanf:"trusted-proxies" desc:"addresses and networks of reverse proxies; only of them X-Forwarded-For and X-Forwarded-Proto are taken"`
	TokenRate      int             `koanf:"token-rate" desc:"requests per second that a personal token may make on average; 0 is no limit"`
	MaxConnections int             `koanf:"max-connections" desc:"connections open at once, live updates included; more have to wait"`
	JobsMiB        int             `koanf:"jobs-mib" desc:"room on disk for the files of imports, exports and backups that are made in the page, in MiB"`
	TLS            TLSConfig       `koanf:"tls"`
	OIDC           auth.OIDCConfig `koanf:"oidc"`
	InterlockSpeed int             `koanf:"interlock-speed" desc:"speed in km/h above which the engine of a vehicle is not stopped, unless the command is forced"`
}

// DefaultConfig listens on the port that existing clients expect.
func DefaultConfig() Config {
	return Config{
		Listen: ":8082", TokenRate: 100, MaxConnections: 10_000, JobsMiB: 4096, OIDC: auth.DefaultOIDCConfig(), InterlockSpeed: data.InterlockSpeedKmh,
	}
}

// Validate checks the values.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen is %q, it must be an address and port like :8082: %w", c.Listen, data.ErrInvalid)
	}
	if err := checkURL(c.URL); err != nil {
		return err
	}
	if c.URL == "" && c.OIDC.Enabled() {
		return fmt.Errorf("oidc.issuer needs url, the address that people open: %w", data.ErrInvalid)
	}
	if c.TokenRate < 0 || c.TokenRate > maxTokenRate {
		return fmt.Errorf("token-rate is %d, it must be 0 to %d: %w", c.TokenRate, maxTokenRate, data.ErrInvalid)
	}
	if c.MaxConnections < 1 {
		return fmt.Errorf("max-connections is %d, it must be at least 1: %w", c.MaxConnections, data.ErrInvalid)
	}
	if c.JobsMiB < 1 {
		return fmt.Errorf("jobs-mib is %d, it must be at least 1: %w", c.JobsMiB, data.ErrInvalid)
	}
	if _, err := parsePrefixes(c.TrustedProxies); err != nil {
		return err
	}
	if c.InterlockSpeed < 1 {
		return fmt.Errorf("interlock-speed is %d, it must be at least 1 km/h: %w", c.InterlockSpeed, data.ErrInvalid)
	}
	return nil
}

// checkURL checks the address that people open; empty for none.
func checkURL(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || address != u.Scheme+"://"+u.Host {
		return fmt.Errorf("url is %q, it must be an address without a path, like https://track.example.org: %w", address, data.ErrInvalid)
	}
	return nil
}
