// Package jt808 speaks JT/T 808, the Chinese standard for vehicle terminals,
// also called huabao, with the additions of many makers: frames between 7E
// marks over TCP, big endian, answers required. README.md describes it.
package jt808

import (
	"strings"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes jt808.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "jt808",
		Port:       5015,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{ahead: beijing} },
		Signature:  signature,
		Escape:     appendEscaped,
		Encode:     encode,
		Commands:   commands,
	}
}

// beijing is how far the clock of a terminal is ahead of UTC by the standard.
const beijing = 8 * time.Hour

// codec is one connection. Each message names its terminal.
type codec struct {
	model model
	ahead time.Duration
	// mark is that of the first whole frame; no other is looked for then.
	mark byte
	// plain is room for a frame without its escapes.
	plain []byte
	// phone and identity are those of the last message, which are seldom new.
	phone    []byte
	identity string
	// edition is that of the last message, for commands.
	edition string
	media   media
	batch   batch
}

// Describe implements protocol.Descriptive: commands have the header of the
// device's edition.
func (c *codec) Describe() protocol.Settings {
	if c.edition == "" {
		return nil
	}
	return protocol.Settings{"edition": c.edition}
}

// model holds what the name of the model changes.
type model struct {
	padlock, aovx, vl300, c5, dt800 bool
}

// Configure takes the settings "model", the name of the model, and "timezone",
// the clock of the device as "+02:00"; without it the clock is Beijing's.
func (c *codec) Configure(s protocol.Settings) {
	name := strings.ToUpper(s.Text("model"))
	c.model = model{
		padlock: name == "G-360P" || name == "G-508P",
		aovx:    name == "AL300" || name == "GL100",
		vl300:   name == "VL300",
		c5:      name == "C5" || name == "C5L",
		dt800:   name == "DT800",
	}
	c.ahead = beijing
	if zone, ok := parseZone(s.Text("timezone")); ok {
		c.ahead = zone
	}
}

// parseZone reads +08:00, -3, UTC+2 or GMT+05:30.
func parseZone(s string) (ahead time.Duration, ok bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "UTC"), "GMT")
	if s == "" {
		return 0, false
	}
	sign := time.Duration(1)
	switch s[0] {
	case '-':
		sign = -1
		s = s[1:]
	case '+':
		s = s[1:]
	}
	hours, minutes, _ := strings.Cut(s, ":")
	h, okHours := digits(hours)
	m, okMinutes := digits(minutes)
	if !okHours || (minutes != "" && !okMinutes) || h > 14 || m > 59 {
		return 0, false
	}
	return sign * (time.Duration(h)*time.Hour + time.Duration(m)*time.Minute), true
}

// digits reads a number of one or two digits.
func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != "" && len(s) <= 2
}
