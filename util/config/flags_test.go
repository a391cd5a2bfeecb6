package config

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestFlagsHelp(t *testing.T) {
	fs := pflag.NewFlagSet("waymark", pflag.ContinueOnError)
	d := defaults()
	d.Bot.Token = "hunter2"
	Flags(fs, &d)
	help := fs.FlagUsages()
	for _, want := range []string{
		"--config file", "[WAYMARK_CONFIG]",
		`--web.listen string`, `address to listen on [WAYMARK_WEB_LISTEN] (default ":8082")`,
		`--web.limits.idle duration`, `silence that ends a session [WAYMARK_WEB_LIMITS_IDLE] (default 1m0s)`,
		`--web.trusted-proxies list`, `(default 10.0.0.0/8,192.168.0.0/16,::1)`,
		`file that holds bot.token [WAYMARK_BOT_TOKEN_FILE]`,
	} {
		if !strings.Contains(help, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(help, "hunter2") {
		t.Error("a secret in the help")
	}
	if t.Failed() {
		t.Log(help)
	}
}

// Mistakes in the declaration show in the first test of any kind.
func TestBugs(t *testing.T) {
	for name, config := range map[string]any{
		"no struct": 5,
		"no key": struct {
			A string
		}{},
		"type": struct {
			A int8 `koanf:"a"`
		}{},
		"capitals": struct {
			A int `koanf:"A"`
		}{},
		"same variable": struct {
			A int `koanf:"a-b"`
			B struct {
				B int `koanf:"b"`
			} `koanf:"a"`
		}{},
		"the file's name": struct {
			A int `koanf:"config"`
		}{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			Flags(pflag.NewFlagSet("", pflag.ContinueOnError), config)
		}()
	}
}
