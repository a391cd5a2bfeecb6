package bot

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/waymark-gps/waymark/tgram-bot/conf"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
)

func TestDefaultConfig(t *testing.T) {
	want := Config{APIURL: "https://api.telegram.org", PollTimeout: 25 * time.Second, Language: "en"}
	if got := DefaultConfig(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if DefaultConfig().Enabled() {
		t.Error("the bot is on without a token")
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("a bot that is off is not valid: %v", err)
	}
}

// TestDefaultFileIsComplete wants every key in the file, with a comment, and
// none that means nothing.
func TestDefaultFileIsComplete(t *testing.T) {
	tree, err := yaml.Parser().Unmarshal(conf.Default)
	if err != nil {
		t.Fatal(err)
	}
	section, _ := tree[Section].(map[string]any)
	if len(tree) != 1 || section == nil {
		t.Fatalf("want one section %q, have %v", Section, tree)
	}
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		tag := fields.Field(i).Tag
		if _, ok := section[tag.Get("koanf")]; !ok || tag.Get("desc") == "" {
			t.Errorf("%s: no line in config.yml, or no desc", fields.Field(i).Name)
		}
		delete(section, tag.Get("koanf"))
		if tag.Get("secret") == "true" {
			delete(section, tag.Get("koanf")+"-file") // package config adds it
		}
	}
	if len(section) > 0 {
		t.Errorf("config.yml has keys that Config has not: %v", section)
	}
	before := ""
	for line := range strings.Lines(string(conf.Default)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(before, "#") {
			t.Errorf("no comment above %q", line)
		}
		before = line
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // part of the error, "" for none
	}{
		"token":                {func(*Config) {}, ""},
		"short token":          {func(c *Config) { c.Token = "123456789:short" }, "does not hold a token"},
		"token with bot":       {func(c *Config) { c.Token = "bot" + tgfake.Token }, "does not hold a token"},
		"http":                 {func(c *Config) { c.APIURL = "http://api.telegram.org" }, "in the clear"},
		"http public address":  {func(c *Config) { c.APIURL = "http://149.154.167.220" }, "in the clear"},
		"http loopback":        {func(c *Config) { c.APIURL = "http://127.0.0.1:8081" }, ""},
		"http loopback 6":      {func(c *Config) { c.APIURL = "http://[::1]:8081" }, ""},
		"http mapped private":  {func(c *Config) { c.APIURL = "http://[::ffff:10.0.0.1]:8081" }, ""},
		"http private":         {func(c *Config) { c.APIURL = "http://192.168.1.2:8081" }, ""},
		"http unique local":    {func(c *Config) { c.APIURL = "http://[fd00::1]" }, ""},
		"http container":       {func(c *Config) { c.APIURL = "http://telegram-bot-api:8081" }, ""},
		"http internal":        {func(c *Config) { c.APIURL = "http://tg.home.arpa" }, ""},
		"http lookalike":       {func(c *Config) { c.APIURL = "http://127.0.0.1.example.org" }, "in the clear"},
		"no scheme":            {func(c *Config) { c.APIURL = "api.telegram.org" }, "api-url"},
		"ftp":                  {func(c *Config) { c.APIURL = "ftp://host" }, "want https"},
		"user in url":          {func(c *Config) { c.APIURL = "https://u:p@host" }, "api-url"},
		"proxy":                {func(c *Config) { c.Proxy = "socks5://user:pass@10.0.0.1:1080" }, ""},
		"proxy without scheme": {func(c *Config) { c.Proxy = "10.0.0.1:1080" }, "proxy"},
		"poll too long":        {func(c *Config) { c.PollTimeout = time.Minute }, "poll-timeout: want 1s to 50s, have 1m0s"},
		"poll too short":       {func(c *Config) { c.PollTimeout = 0 }, "poll-timeout"},
		"language":             {func(c *Config) { c.Language = "xx" }, "language: want one of en, de"},
		"German":               {func(c *Config) { c.Language = "de" }, ""},
	} {
		cfg := DefaultConfig()
		cfg.Token = tgfake.Token
		c.change(&cfg)
		err := cfg.Validate()
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		case err != nil && (strings.Contains(err.Error(), tgfake.Token[10:]) || strings.Contains(err.Error(), "pass")):
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
		if _, newErr := New(cfg, Deps{}); newErr == nil {
			t.Errorf("%s: New accepts it without a store", name)
		}
	}
}
