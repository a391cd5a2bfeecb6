package bot

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"github.com/waymark-gps/waymark/tgram-bot/conf"
	"github.com/waymark-gps/waymark/tgram-bot/text"
)

// Section is the key under which the bot's settings stand in a configuration:
// "bot.token" and so on.
const Section = "bot"

// Config is the bot's settings. Their defaults, with a longer comment on each,
// are in conf/config.yml.
type Config struct {
	Token       string        `koanf:"token" desc:"token of the Telegram bot, from @BotFather; empty: the bot is off" secret:"true"`
	APIURL      string        `koanf:"api-url" desc:"Bot API server; plain http only for private addresses"`
	Proxy       string        `koanf:"proxy" desc:"http, https or socks5 proxy to reach Telegram through; empty: HTTPS_PROXY" secret:"true"`
	PollTimeout time.Duration `koanf:"poll-timeout" desc:"how long one question for updates stays open, 1s to 50s"`
	Language    string        `koanf:"language" desc:"language for people whose own the bot does not speak: en, de"`
}

// DefaultConfig is what conf/config.yml says.
func DefaultConfig() Config {
	c, err := readDefault(conf.Default)
	if err != nil {
		panic(err) // the file is part of the program, and tested
	}
	return c
}

func readDefault(file []byte) (Config, error) {
	var c Config
	tree, err := yaml.Parser().Unmarshal(file)
	if err != nil {
		return c, fmt.Errorf("read the default configuration: %w", err)
	}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(tree, ""), nil); err != nil {
		return c, fmt.Errorf("read the default configuration: %w", err)
	}
	if err := k.Unmarshal(Section, &c); err != nil {
		return c, fmt.Errorf("read the default configuration: %w", err)
	}
	return c, nil
}

// Enabled tells whether there is a token; without one there is no bot.
func (c Config) Enabled() bool { return c.Token != "" }

// Validate says all that is wrong with an enabled configuration, each with the
// key (below "bot") and what to do. A bot that is off is valid.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	_, tokenErr := c.token()
	return errors.Join(tokenErr, c.validateAPIURL(), c.validateProxy(), c.validateRest())
}

// tokenForm is how BotFather's tokens look: the bot's id, a colon, a secret.
var tokenForm = regexp.MustCompile(`^[0-9]{5,20}:[A-Za-z0-9_-]{30,100}$`)

// token returns the token. Errors never quote it.
func (c Config) token() (string, error) {
	token := strings.TrimSpace(c.Token)
	if !tokenForm.MatchString(token) {
		return "", errors.New("token (or the file that token-file names) does not hold a token: copy it whole from @BotFather, it looks like 123456789:AAE..., without quotes or spaces")
	}
	return token, nil
}

func (c Config) validateAPIURL() error {
	u, err := url.Parse(c.APIURL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("api-url: want https://host, with a port and a path if needed")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isPrivateHost(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("api-url: http would send the token in the clear to %s: use https (http is accepted for loopback, private addresses and internal names only)", u.Hostname())
	}
	return fmt.Errorf("api-url: want https, have %q", u.Scheme)
}

// isPrivateHost tells whether a host is on this machine or in a private
// network: by its address, or by a name that public DNS does not have (a single
// word, as container networks use, or one of the reserved suffixes).
func isPrivateHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return host != ""
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".home.arpa"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}

func (c Config) validateProxy() error {
	if c.Proxy == "" {
		return nil
	}
	u, err := url.Parse(c.Proxy)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return fmt.Errorf("proxy: want http://host:port, https://host:port or socks5://host:port")
	}
	return nil
}

func (c Config) validateRest() error {
	var errs []error
	if c.PollTimeout < time.Second || c.PollTimeout > 50*time.Second {
		errs = append(errs, fmt.Errorf("poll-timeout: want 1s to 50s, have %v", c.PollTimeout))
	}
	var known []string
	for _, l := range text.Languages() {
		known = append(known, l.Code)
	}
	if text.For(c.Language).Code != strings.ToLower(c.Language) {
		errs = append(errs, fmt.Errorf("language: want one of %s, have %q", strings.Join(known, ", "), c.Language))
	}
	return errors.Join(errs...)
}
