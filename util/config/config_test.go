package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

type web struct {
	Listen  string            `koanf:"listen" desc:"address to listen on"`
	Trusted []string          `koanf:"trusted-proxies" desc:"networks of proxies"`
	Headers map[string]string `koanf:"headers"`
	Limits  limits            `koanf:"limits"`
	Own     func()            `koanf:"-"`
}

type limits struct {
	Idle   time.Duration `koanf:"idle" desc:"silence that ends a session"`
	Burst  int           `koanf:"burst"`
	Factor float64       `koanf:"factor"`
	Strict bool          `koanf:"strict"`
}

func (l limits) Validate() error {
	var problems []error
	if l.Burst < 0 {
		problems = append(problems, errors.New("burst is negative"))
	}
	if l.Factor > 10 {
		problems = append(problems, errors.New("factor is above 10"))
	}
	return errors.Join(problems...)
}

type bot struct {
	Token string `koanf:"token" desc:"token of the bot" secret:"true"`
	URL   string `koanf:"url"`
}

func (b *bot) Validate() error {
	if b.Token == "forbidden" {
		return errors.New("the token is not allowed")
	}
	return nil
}

type settings struct {
	Web web `koanf:"web"`
	Bot bot `koanf:"bot"`
}

func defaults() settings {
	return settings{Web: web{
		Listen:  ":8082",
		Trusted: []string{"10.0.0.0/8", "192.168.0.0/16", "::1"},
		Headers: map[string]string{"x-a": "1", "x-b": "2"},
		Limits:  limits{Idle: time.Minute, Burst: 5, Factor: 1.5},
	}}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "waymark.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("waymark", pflag.ContinueOnError)
	Flags(fs, defaults())
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestDefaults(t *testing.T) {
	have := defaults()
	e, err := Load(&have, Source{Flags: flags(t), Environ: []string{"HOME=/", "WAYMARK_SEALED=1", "WAYMARK_TEST_X=1", "WAYMARK_REQUIRE_POSTGRES=1", "WAYMARK_FRAMES=x"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := defaults(); !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v, want %+v", have, want)
	}
	if o := e.Origin("web.listen"); o != "default" {
		t.Errorf("origin %q", o)
	}
}

// Each source stands above the one before; lists and maps are replaced.
func TestOrder(t *testing.T) {
	path := file(t, `# comment
web:
  listen: "file:1"
  trusted-proxies: [127.0.0.1]
  headers:
    x.c: "3"
    port: 8080
  limits:
    idle: 90s
    burst: 7
    factor: 2
    strict: true
bot:
  token: 12345
`)
	have := defaults()
	e, err := Load(&have, Source{
		File:    path,
		Environ: []string{"WAYMARK_WEB_LIMITS_BURST=8", "WAYMARK_WEB_LIMITS_IDLE=2m", "WAYMARK_CONFIG=/not/this/one"},
		Flags:   flags(t, "--web.limits.idle=3m"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		Web: web{
			Listen: "file:1", Trusted: []string{"127.0.0.1"}, Headers: map[string]string{"x.c": "3", "port": "8080"},
			Limits: limits{Idle: 3 * time.Minute, Burst: 8, Factor: 2, Strict: true},
		},
		Bot: bot{Token: "12345"},
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v\nwant %+v", have, want)
	}
	for key, want := range map[string]string{
		"web.listen": path + ":3", "web.limits.burst": "env WAYMARK_WEB_LIMITS_BURST",
		"web.limits.idle": "flag --web.limits.idle", "bot.url": "default", "nothing": "",
	} {
		if have := e.Origin(key); have != want {
			t.Errorf("%s: origin %q, want %q", key, have, want)
		}
	}
}

func TestTexts(t *testing.T) {
	have := defaults()
	_, err := Load(&have, Source{
		Environ: []string{"WAYMARK_WEB_TRUSTED_PROXIES= a, b ,", "WAYMARK_WEB_HEADERS=a=1, b=x=y", "WAYMARK_WEB_LISTEN="},
		Flags:   flags(t, "--web.trusted-proxies=c", "--web.trusted-proxies", "d,e", "--web.limits.strict", "--web.limits.burst=-0"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"c", "d", "e"}; !reflect.DeepEqual(have.Web.Trusted, want) {
		t.Errorf("have %q, want %q", have.Web.Trusted, want)
	}
	if want := map[string]string{"a": "1", "b": "x=y"}; !reflect.DeepEqual(have.Web.Headers, want) {
		t.Errorf("have %q, want %q", have.Web.Headers, want)
	}
	if have.Web.Listen != "" || !have.Web.Limits.Strict || have.Web.Limits.Burst != 0 {
		t.Errorf("have %+v", have.Web)
	}

	have = defaults()
	if _, err := Load(&have, Source{Environ: []string{"WAYMARK_WEB_TRUSTED_PROXIES=", "WAYMARK_WEB_HEADERS="}}); err != nil {
		t.Fatal(err)
	}
	if len(have.Web.Trusted) != 0 || len(have.Web.Headers) != 0 {
		t.Errorf("an empty variable empties: have %q, %q", have.Web.Trusted, have.Web.Headers)
	}
}

// Every problem has its line, and no line has a secret.
func TestProblems(t *testing.T) {
	path := file(t, `web:
  lisen: ":1"
  headers: 5
  limits: 7
  trusted-proxies: {a: b}
wbe:
  listen: ":2"
bot:
  token: [hunter2]
  url:
  token: hunter2
bot.token: hunter2
`)
	have := defaults()
	_, err := Load(&have, Source{
		File:    path,
		Environ: []string{"WAYMARK_WEB_LISEN=x", "WAYMARK_WEB_LIMITS_BURST=1.5", "WAYMARK_WEB_HEADERS=a"},
		Flags:   flags(t, "--web.limits.idle=10", "--web.limits.strict=yes", "--web.limits.factor=NaN", "--bot.token-file=/does/not/exist"),
	})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		path + `:2: web.lisen is not a setting; did you mean web.listen?`,
		path + `:3: web.headers is "5", want names with values, each name once (a=1,b=2)`,
		path + `:4: web.limits is a group of settings; write them below it, indented`,
		path + `:5: web.trusted-proxies is "a group of settings", want a list`,
		path + `:6: wbe is not a setting; did you mean bot.url?`,
		path + `:9: bot.token is ********, want a text`,
		path + `:10: bot.url has no value; give it one or remove the line`,
		path + `:12: bot.token is set already (` + path + `:11); remove one`,
		`env WAYMARK_WEB_LISEN: WAYMARK_WEB_LISEN is not a setting; did you mean WAYMARK_WEB_LISTEN?`,
		`env WAYMARK_WEB_LIMITS_BURST: web.limits.burst is "1.5", want a whole number`,
		`env WAYMARK_WEB_HEADERS: web.headers is "a", want names with values, each name once (a=1,b=2)`,
		`flag --bot.token-file: bot.token-file: file /does/not/exist does not exist`,
		`flag --web.limits.factor: web.limits.factor is "NaN", want a number`,
		`flag --web.limits.idle: web.limits.idle is "10", want a duration such as 500ms, 30s or 1h30m`,
		`flag --web.limits.strict: web.limits.strict is "yes", want true or false`,
	}
	lines := strings.Split(err.Error(), "\n")
	for _, w := range want {
		found := false
		for _, l := range lines {
			found = found || l == w
		}
		if !found {
			t.Errorf("missing: %s", w)
		}
	}
	if len(lines) != len(want) || t.Failed() {
		t.Errorf("have:\n%v", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret in %v", err)
	}
}

func TestFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", ""},
		"comments":      {"# web:\n", ""},
		"empty section": {"web:\n#  listen: x\n", ""},
		"dotted":        {"web.listen: x\n", ""},
		"alias":         {"web: {listen: &a x}\nbot: {url: *a}\n", ""},
		"broken":        {"web: [\n", "waymark.yaml: yaml: line 1: did not find expected node content"},
		"two documents": {"web: {}\n---\nbot: {}\n", "more than one document"},
		"list":          {"- web\n", "waymark.yaml:1: want settings"},
		"endless alias": {"web: &a\n  limits: *a\n", "web.limits.limits is not a setting"},
		"too large":     {strings.Repeat("#", maxFile+1), "larger than 1048576 bytes"},
		"null document": {"null\n", ""},
		"nested list":   {"web: {trusted-proxies: [[a]]}\n", "item 1 of the list is not a text"},
		"null in list":  {"web: {trusted-proxies: [a, ~]}\n", "item 2 of the list is not a text"},
		"header twice":  {"web: {headers: {a: b, a: c}}\n", `"a" stands there twice`},
	} {
		have := defaults()
		_, err := Load(&have, Source{File: file(t, c.text)})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}

	path := file(t, "web: {listen: here}\n")
	for name, src := range map[string]Source{
		"flag":     {Flags: flags(t, "--config", path), Environ: []string{"WAYMARK_CONFIG=/else"}},
		"variable": {Environ: []string{"WAYMARK_CONFIG=" + path}},
	} {
		have := defaults()
		if _, err := Load(&have, src); err != nil || have.Web.Listen != "here" {
			t.Errorf("%s: %q, %v", name, have.Web.Listen, err)
		}
	}
	have := defaults()
	if _, err := Load(&have, Source{File: "/does/not/exist.yaml"}); err == nil || err.Error() != "read settings: file /does/not/exist.yaml does not exist" {
		t.Errorf("error %v", err)
	}
}

// A program alone reads the file and the environment of all.
func TestOthers(t *testing.T) {
	var have struct {
		Bot bot `koanf:"bot"`
	}
	src := Source{
		File:    file(t, "web:\n  listen: x\nbot: {url: u}\n"),
		Environ: []string{"WAYMARK_WEB_LISTEN=x"},
		Others:  []string{"web"},
	}
	if _, err := Load(&have, src); err != nil || have.Bot.URL != "u" {
		t.Errorf("%+v, %v", have, err)
	}
	src.Others = nil
	if _, err := Load(&have, src); err == nil {
		t.Error("no error")
	}
}

func TestSecretFile(t *testing.T) {
	secret := file(t, "hunter2\n")
	have := defaults()
	e, err := Load(&have, Source{File: file(t, "bot: {token: old}\n"), Environ: []string{"WAYMARK_BOT_TOKEN_FILE=" + secret}})
	if err != nil {
		t.Fatal(err)
	}
	if have.Bot.Token != "hunter2" || e.Origin("bot.token") != "env WAYMARK_BOT_TOKEN_FILE ("+secret+")" {
		t.Errorf("%q from %q", have.Bot.Token, e.Origin("bot.token"))
	}
	_, err = Load(&have, Source{Environ: []string{"WAYMARK_BOT_TOKEN_FILE=" + secret, "WAYMARK_BOT_TOKEN=x"}})
	if want := "env WAYMARK_BOT_TOKEN_FILE: bot.token-file and bot.token (env WAYMARK_BOT_TOKEN) are both set; remove one"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := Load(&have, Source{Environ: []string{"WAYMARK_BOT_TOKEN_FILE=", "WAYMARK_BOT_TOKEN=x"}}); err != nil || have.Bot.Token != "x" {
		t.Errorf("no file named: %q, %v", have.Bot.Token, err)
	}
}

func TestValidate(t *testing.T) {
	have := defaults()
	_, err := Load(&have, Source{Environ: []string{"WAYMARK_WEB_LIMITS_BURST=-1", "WAYMARK_WEB_LIMITS_FACTOR=11", "WAYMARK_BOT_TOKEN=forbidden"}})
	want := "web.limits: burst is negative\nweb.limits: factor is above 10\nbot: the token is not allowed"
	if err == nil || err.Error() != want {
		t.Errorf("have %v\nwant %s", err, want)
	}
}

func TestEffective(t *testing.T) {
	have := defaults()
	have.Web.Headers = map[string]string{"b": "x, y", "a": "1"}
	e, err := Load(&have, Source{Environ: []string{
		"WAYMARK_BOT_TOKEN=hunter2", "WAYMARK_BOT_URL=http://u:hunter2@h", "WAYMARK_WEB_LISTEN=a: b\nc",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `web.listen: "a: b\nc"                                     # env WAYMARK_WEB_LISTEN
web.trusted-proxies: [10.0.0.0/8, 192.168.0.0/16, '::1']  # default
web.headers: {a: "1", b: 'x, y'}                          # default
web.limits.idle: 1m0s                                     # default
web.limits.burst: 5                                       # default
web.limits.factor: 1.5                                    # default
web.limits.strict: false                                  # default
bot.token: ********                                       # env WAYMARK_BOT_TOKEN
bot.url: http://u:********@h                              # env WAYMARK_BOT_URL
`
	if have := e.String(); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	// What is printed can be read, once the secrets are put in.
	again := defaults()
	if _, err := Load(&again, Source{File: file(t, e.String())}); err == nil {
		t.Error("a mask was taken for a secret")
	}
	if _, err := Load(&again, Source{File: file(t, strings.Replace(e.String(), "token: ********", "token: hunter2", 1))}); err != nil {
		t.Fatal(err)
	}
	again.Bot = have.Bot
	if !reflect.DeepEqual(again, have) {
		t.Errorf("have %+v, want %+v", again, have)
	}
}
