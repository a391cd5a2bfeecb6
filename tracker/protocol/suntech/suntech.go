// Package suntech speaks the protocols of Suntech International: SA200,
// ST200, ST300, ST340, ST500, ST600, ST4xx, ST9xx and the universal form of
// the ST4300 and ST8300, over TCP, text with two binary forms, without
// answers. README.md describes it.
package suntech

import (
	"strconv"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes suntech.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "suntech",
		Port:       5011,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. Each message names its device.
type codec struct {
	settings settings
	// family is what the last text began with, "universal" for the form without.
	family string
}

// Describe implements protocol.Descriptive: commands have the family of the
// reports.
func (c *codec) Describe() protocol.Settings {
	if c.family == "" {
		return nil
	}
	return protocol.Settings{"family": c.family}
}

// settings are what the device was set to send and does not say.
type settings struct {
	hbm                   int // form of the tail: 0 none, 1, 2
	protocolType          int
	adc, rpm, temperature bool
}

// Configure takes the settings "hbm", "protocolType", "includeAdc",
// "includeRpm" and "includeTemp".
func (c *codec) Configure(s protocol.Settings) {
	c.settings = settings{
		hbm:          whole(s, "hbm"),
		protocolType: whole(s, "protocolType"),
		adc:          s.Bool("includeAdc"),
		rpm:          s.Bool("includeRpm"),
		temperature:  s.Bool("includeTemp"),
	}
}

// whole returns a setting as a whole number, 0 if it is none.
func whole(s protocol.Settings, name string) int {
	switch v := s[name].(type) {
	case float64:
		return int(v)
	case int64:
		return int(v)
	case int:
		return v
	case string:
		n, _ := strconv.Atoi(v)
		return n
	}
	return 0
}
