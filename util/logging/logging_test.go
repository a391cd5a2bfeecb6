package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

const (
	token = "123456789:AAFyo0gpgU-XJx1-8nk_Vs0000000000000"
	word  = "hunter2"
)

type lazy struct{}

func (lazy) LogValue() slog.Value { return slog.StringValue("bot " + token) }

type account struct{ Name, Password string }

// Nothing secret gets out, by whichever way it is logged.
func TestSecrets(t *testing.T) {
	address := "postgres://waymark:" + word + "@db/waymark"
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]func(*slog.Logger){
		"message":       func(l *slog.Logger) { l.Info("get https://api.telegram.org/bot" + token + "/getMe") },
		"text":          func(l *slog.Logger) { l.Info("x", "url", address) },
		"error":         func(l *slog.Logger) { l.Info("x", "err", fmt.Errorf("connect %s: %w", address, io.EOF)) },
		"joined errors": func(l *slog.Logger) { l.Info("x", "err", errors.Join(io.EOF, errors.New(token))) },
		"key":           func(l *slog.Logger) { l.Info("x", "password", word) },
		"key in capitals": func(l *slog.Logger) {
			l.Info("x", "X-Authorization", "Basic "+word, "SetCookie", word, "apiKey", word, "bot_token", word)
		},
		"not a text":     func(l *slog.Logger) { l.Info("x", "secrets", []string{word}) },
		"With":           func(l *slog.Logger) { l.With("token", word, "url", address).Info("x") },
		"group":          func(l *slog.Logger) { l.Info("x", slog.Group("g", slog.Group("h", "cookie", word, "u", address))) },
		"WithGroup":      func(l *slog.Logger) { l.WithGroup("g").With("u", token).Info("x", "password", word) },
		"secret group":   func(l *slog.Logger) { l.Info("x", slog.Group("cookies", "session", word)) },
		"secret group 2": func(l *slog.Logger) { l.WithGroup("secret").Info("x", "a", word) },
		"LogValuer":      func(l *slog.Logger) { l.Info("x", "bot", lazy{}) },
		"struct":         func(l *slog.Logger) { l.Info("x", "account", account{"anna", word}) },
		"pointer":        func(l *slog.Logger) { l.Info("x", "account", &account{"anna", word}) },
		"map":            func(l *slog.Logger) { l.Info("x", "m", map[string]string{"token": word}) },
		"bytes":          func(l *slog.Logger) { l.Info("x", "raw", []byte("password="+word)) },
		"raw JSON":       func(l *slog.Logger) { l.Info("x", "raw", json.RawMessage(`{"password": "`+word+`"}`)) },
		"URL":            func(l *slog.Logger) { l.Info("x", "url", parsed) },
	}
	for name, log := range ways {
		for _, format := range []string{"json", "text"} {
			var out bytes.Buffer
			l, err := New(Config{"info", format}, &out)
			if err != nil {
				t.Fatal(err)
			}
			log(l)
			if s := out.String(); strings.Contains(s, word) || strings.Contains(s, token[12:]) || !strings.Contains(s, mask) {
				t.Errorf("%s, %s: %s", name, format, s)
			}
		}
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"listening":              "listening",
		"dial tcp 10.0.0.1:5023": "dial tcp 10.0.0.1:5023",
		"at 2026-03-01T12:00:00.000Z, device 860123456789012: unknown": "at 2026-03-01T12:00:00.000Z, device 860123456789012: unknown",
		"bot.token: want a text":                  "bot.token: want a text",
		"unexpected token: }":                     "unexpected token: }",
		"http://host:8080/path":                   "http://host:8080/path",
		"nats://bus:4222, mail to a@b.example":    "nats://bus:4222, mail to a@b.example",
		"redis://:pw@h, nats://u:p@ss/w@h:4222/x": "redis://:********@h, nats://u:********@h:4222/x",
		token:                     mask,
		"bot" + token + "/x":      "bot" + mask + "/x",
		"GET /?a=1&token=abc&b=2": "GET /?a=1&token=********&b=2",
		`{"user":"a","Password" : 1,"password":"b","c":"d"}`: `{"user":"a","Password" : 1,"password":"********","c":"d"}`,
		"Authorization: Bearer abc\nAccept: x":               "Authorization: ********\nAccept: x",
		"cookie: a=b; c=d":                                   "cookie: ********",
		"{Name:anna Password:pw}":                            "{Name:anna Password:********}",
		"password=":                                          "password=",
		"token=a token=b":                                    "token=******** token=********",
		`token=""`:                                           `token=""`,
	} {
		if have := Redact(text); have != want {
			t.Errorf("%q: have %q, want %q", text, have, want)
		}
		if again := Redact(want); again != want {
			t.Errorf("%q changes again to %q", want, again)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("bot" + token + `/x?token=a {"cookie": "b"} x://u:p@h`)
	f.Add(`token="`)
	f.Fuzz(func(t *testing.T, s string) {
		if out := Redact(s); telegramToken.MatchString(out) {
			t.Fatalf("%q: a token in %q", s, out)
		}
		if out := Redact("x password=" + word + " " + s); strings.Contains(out, "password="+word) {
			t.Fatalf("%q: a password in %q", s, out)
		}
	})
}

func TestLevelsAndFormats(t *testing.T) {
	var out bytes.Buffer
	l, err := New(Config{"warn", "auto"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	l.Info("hidden")
	l.Warn("shown", "device", 7, "ok", true, "err", nil, "empty", slog.String("token", ""))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("auto is JSON when not on a terminal: %v: %s", err, out.String())
	}
	if line["msg"] != "shown" || line["level"] != "WARN" || line["device"] != 7.0 || line["err"] != nil || line["ok"] != true {
		t.Errorf("have %v", line)
	}
	for _, c := range []Config{{"loud", "json"}, {"info", "xml"}, {"", ""}} {
		if _, err := New(c, io.Discard); err == nil {
			t.Errorf("%v: no error", c)
		}
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// A line without secrets costs no more memory than slog itself takes.
func TestAllocations(t *testing.T) {
	l, err := New(Config{"info", "json"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	plain := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a },
	}))
	line := func(l *slog.Logger) func() {
		return func() {
			l.LogAttrs(context.Background(), slog.LevelInfo, "connected",
				slog.String("protocol", "gt06"), slog.String("remote", "10.0.0.1:4711"), slog.Int64("device", 7))
		}
	}
	if have, want := testing.AllocsPerRun(100, line(l)), testing.AllocsPerRun(100, line(plain)); have > want {
		t.Errorf("%v allocations, slog alone has %v", have, want)
	}
}

func BenchmarkLog(b *testing.B) {
	l, err := New(Config{"info", "json"}, io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.LogAttrs(context.Background(), slog.LevelInfo, "connected",
			slog.String("protocol", "gt06"), slog.String("remote", "10.0.0.1:4711"), slog.Int64("device", 7))
	}
}
