// Package gt06 speaks the protocol of Concox and Jimi trackers and of the many
// devices built after them: 0x7878 and 0x7979 frames over TCP, big endian,
// answers required. README.md describes it.
package gt06

import (
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

// Protocol describes gt06.
func Protocol() protocol.Protocol {
	return protocol.Protocol{
		Name:       "gt06",
		Port:       5023,
		Transports: protocol.TCP,
		MaxFrame:   maxFrame,
		New:        func(protocol.Transport) protocol.Codec { return &codec{} },
		Signature:  signature,
		Encode:     encode,
		Commands:   commands,
	}
}

// codec is one connection. The IMEI comes with the login only, so does the
// time zone of the device's clock.
type codec struct {
	model model
	// ahead is how far the device's clock is ahead of UTC.
	ahead time.Duration
	// examined is how far Next has looked for a stop in a frame that is not
	// whole yet, so that no byte is looked at again for each one that comes.
	examined int
}

// model holds what the name of the model changes.
type model struct {
	lw, nt, r11, seeworld, vl bool
}

// ntModels put more in front of a place than others.
var ntModels = []string{"NT11", "NT20", "NT26", "NT40", "NT46", "VL100", "XT40"}

// Configure takes the setting "model", the name of the device's model. LW and
// VL are families.
func (c *codec) Configure(s protocol.Settings) {
	name := strings.ToUpper(s.Text("model"))
	c.model = model{
		lw:       strings.HasPrefix(name, "LW"),
		nt:       slices.Contains(ntModels, name),
		r11:      name == "R11",
		seeworld: name == "SEEWORLD",
		vl:       strings.HasPrefix(name, "VL"),
	}
}
