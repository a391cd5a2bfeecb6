// Package logging makes the logger of a program: lines of JSON, or of text for
// people at a terminal, from which secrets are kept out.
package logging

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Config says how to log.
type Config struct {
	Level  string `koanf:"level" desc:"least important lines to write: debug, info, warn or error"`
	Format string `koanf:"format" desc:"json, text, or auto for text on a terminal and JSON elsewhere"`
}

// DefaultConfig is info, auto.
func DefaultConfig() Config { return Config{Level: "info", Format: "auto"} }

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug,
	"info":  slog.LevelInfo,
	"warn":  slog.LevelWarn,
	"error": slog.LevelError,
}

// Validate checks the words.
func (c Config) Validate() error {
	if _, ok := levels[c.Level]; !ok {
		return fmt.Errorf("level is %q, want debug, info, warn or error", c.Level)
	}
	switch c.Format {
	case "auto", "json", "text":
		return nil
	}
	return fmt.Errorf("format is %q, want auto, json or text", c.Format)
}

// New makes a logger that writes to w, one Write for each line.
func New(c Config, w io.Writer) (*slog.Logger, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: levels[c.Level], ReplaceAttr: redactAttr}
	if c.Format == "text" || c.Format == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return slog.New(slog.NewJSONHandler(w, options)), nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// redactAttr is asked by the handlers for the message and for every attribute,
// also those within groups and those added by With.
func redactAttr(groups []string, a slog.Attr) slog.Attr {
	if isSecret(a.Key) || anySecret(groups) {
		if a.Value.Kind() != slog.KindString || a.Value.String() != "" {
			a.Value = slog.StringValue(mask)
		}
		return a
	}
	switch a.Value.Kind() {
	case slog.KindString:
		if s := a.Value.String(); mayHoldSecret(s) {
			a.Value = slog.StringValue(Redact(s))
		}
	case slog.KindAny:
		// What the handler would make of such a value is not known here, so it
		// gets the text that was looked through.
		switch v := a.Value.Any().(type) {
		case nil, slog.Level, *slog.Source:
		case []byte:
			a.Value = slog.StringValue(Redact(string(v)))
		case json.RawMessage:
			a.Value = slog.StringValue(Redact(string(v)))
		default:
			a.Value = slog.StringValue(Redact(fmt.Sprintf("%+v", v)))
		}
	}
	return a
}

func anySecret(groups []string) bool {
	for _, g := range groups {
		if isSecret(g) {
			return true
		}
	}
	return false
}

// secretWords are in the names of things nobody may read.
var secretWords = [...]string{"password", "passwd", "secret", "token", "authorization", "cookie", "apikey", "api_key", "api-key"}

// isSecret tells whether a name contains one of the words, in any case.
func isSecret(name string) bool {
	for i := range len(name) {
		switch name[i] | 0x20 {
		case 'a', 'c', 'p', 's', 't':
		default:
			continue
		}
		for _, word := range secretWords {
			if rest := name[i:]; len(rest) >= len(word) && strings.EqualFold(rest[:len(word)], word) {
				return true
			}
		}
	}
	return false
}
