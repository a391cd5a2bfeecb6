package tracking

import (
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// stamp settles the times of a report that its frame leaves open. An outdated
// report without a fix time gets one from processing, which knows the last fix.
func stamp(p *data.Position, now time.Time) {
	p.DeviceTime = p.DeviceTime.UTC().Truncate(time.Millisecond)
	p.FixTime = p.FixTime.UTC().Truncate(time.Millisecond)
	if p.DeviceTime.IsZero() {
		p.DeviceTime = p.FixTime
	}
	if p.DeviceTime.IsZero() {
		p.DeviceTime = now
	}
	if p.FixTime.IsZero() && !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	if p.FixTime.After(now.Add(futureLimit)) {
		p.Valid = false
		p.FixTime = now
	}
}

// decoderSettings picks the settings of the decoder out of a device's
// attributes: "decoder.model" becomes "model".
func decoderSettings(d data.Device) protocol.Settings {
	s := protocol.Settings{}
	for k, v := range d.Attributes {
		if name, ok := strings.CutPrefix(k, "decoder."); ok {
			s[name] = v
		}
	}
	if d.Model != "" && s["model"] == nil {
		s["model"] = d.Model
	}
	return s
}
