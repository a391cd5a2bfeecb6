package config

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/waymark-gps/waymark/util/logging"
)

// mask stands for a secret that is set.
const mask = "********"

func redact(text string) string { return logging.Redact(text) }

// Effective is the settings in force, and where each comes from.
type Effective struct {
	settings []effectiveSetting
}

type effectiveSetting struct{ key, value, origin string }

func effective(leaves []*leaf, origins map[string]string) *Effective {
	e := &Effective{}
	for _, l := range leaves {
		if l.fileOf != nil {
			continue
		}
		origin, ok := origins[l.key]
		if !ok {
			origin = "default"
		}
		e.settings = append(e.settings, effectiveSetting{l.key, l.show(), origin})
	}
	return e
}

// Origin tells where a setting comes from: "default", "FILE:LINE",
// "env WAYMARK_X" or "flag --x"; "" for a key that does not exist.
func (e *Effective) Origin(key string) string {
	for _, s := range e.settings {
		if s.key == key {
			return s.origin
		}
	}
	return ""
}

// WriteTo prints a line for each setting, "key: value  # origin". That is YAML
// which Load reads, but for the secrets: they are masked, and a line with a
// mask is no YAML, lest somebody take the mask for the secret.
func (e *Effective) WriteTo(w io.Writer) (int64, error) {
	width := 0
	for _, s := range e.settings {
		if n := len(s.key) + len(s.value); n <= 60 {
			width = max(width, n)
		}
	}
	var b strings.Builder
	for _, s := range e.settings {
		fmt.Fprintf(&b, "%s: %s%*s  # %s\n", s.key, s.value, max(0, width-len(s.key)-len(s.value)), "", s.origin)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// String is what WriteTo prints.
func (e *Effective) String() string {
	var b strings.Builder
	e.WriteTo(&b) // writing to a Builder cannot fail
	return b.String()
}

// show is the present value as YAML on one line, without secrets.
func (l *leaf) show() string {
	if l.secret && l.text() != "" {
		return mask
	}
	var n yaml.Node
	if err := n.Encode(l.field.Interface()); err != nil {
		panic(err) // texts, numbers, lists and maps always encode
	}
	flow(&n)
	b, err := yaml.Marshal(&n)
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(b))
}

// flow puts n on one line, without passwords.
func flow(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		n.Value = redact(n.Value)
		if n.Tag == "!!str" && n.Style&yaml.LiteralStyle != 0 {
			n.Style = yaml.DoubleQuotedStyle
		}
		return
	}
	n.Style = yaml.FlowStyle
	for _, c := range n.Content {
		flow(c)
	}
}
