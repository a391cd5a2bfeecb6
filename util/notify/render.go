package notify

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/waymark-gps/waymark/data"
)

// message is what a person reads: a line, and some facts below it. Plain text.
type message struct{ subject, text string }

const (
	// kmhPerKnot and mphPerKnot: a nautical mile is 1852 m, a mile 1609.344 m.
	kmhPerKnot = 1.852
	mphPerKnot = 1852 / 1609.344
	// maxValue bounds what is put in the place of a placeholder, in runes;
	// maxTemplate a sentence of a person, in bytes.
	maxValue    = 200
	maxTemplate = 1000
	// attrTemplate and a type of event is the attribute of an account with a
	// sentence of its own.
	attrTemplate = "notify.template."
)

// render writes the message of an event for an account: in its language, units
// and time zone, with its own sentence if it has one.
func render(all *rules, u *data.User, s *subject) *message {
	l := languageOf(u, all.server)
	values := placeholders(all, l, u, s)
	sentence := l.events[s.event.Type]
	if own := attribute(u, attrTemplate+s.event.Type); own != "" && len(own) <= maxTemplate {
		sentence = own
	}
	if sentence == "" {
		sentence = "{device}: {type}"
	}
	facts := []string{values["time"]}
	if s.position != nil && s.event.Type != data.EventDeviceOverspeed && s.position.SpeedKnots >= 1 {
		facts = append(facts, values["speed"])
	}
	if values["address"] != "" {
		facts = append(facts, fill(l.place, values))
	}
	return &message{fill(sentence, values), strings.Join(facts, " · ")}
}

// placeholders are what can stand in a sentence, by name.
func placeholders(all *rules, l *language, u *data.User, s *subject) map[string]string {
	e, a := s.event, &s.event.Attributes
	alarm := a.Get("alarm").String()
	var alarms []string
	for _, kind := range list(alarm) {
		if name, ok := l.alarms[kind]; ok {
			kind = name
		}
		alarms = append(alarms, kind)
	}
	fence := all.fences[e.GeofenceID]
	if fence == "" {
		fence = l.geofence
	}
	values := map[string]string{
		"device": s.device.Name, "uniqueId": s.device.UniqueID, "type": e.Type, "geofence": fence, "alarm": strings.Join(alarms, ", "),
		"time": e.Time.In(zoneOf(u, all.server)).Format(l.when), "limit": speed(a.Get("speedLimit"), l, u),
		"driver": a.Get("driverUniqueId").String(), "result": a.Get("result").String(), "command": a.Get("command").String(),
		"state": a.Get("state").String(), "other": s.other, "maintenance": all.maintenances[e.MaintenanceID], "file": a.Get("file").String(),
		"speed": speed(a.Get("speed"), l, u), "address": "", "latitude": "", "longitude": "",
	}
	if name := all.drivers[values["driver"]]; name != "" {
		values["driver"] = name
	}
	if p := s.position; p != nil {
		if values["speed"] == "" {
			values["speed"] = speed(data.Float(p.SpeedKnots), l, u)
		}
		values["address"] = p.Attributes.Get("address").String()
		values["latitude"], values["longitude"] = degrees(p.Latitude), degrees(p.Longitude)
	}
	return values
}

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 5, 64) }

// speed writes knots in the units of an account; empty for none.
func speed(v data.Value, l *language, u *data.User) string {
	knots, ok := v.Float()
	if !ok || math.IsNaN(knots) || math.IsInf(knots, 0) {
		return ""
	}
	factor, unit := kmhPerKnot, l.kmh
	switch attribute(u, "speedUnit") {
	case "mph":
		factor, unit = mphPerKnot, l.mph
	case "kn":
		factor, unit = 1, l.knots
	}
	return strconv.FormatFloat(math.Round(knots*factor), 'f', -1, 64) + " " + unit
}

// fill puts values in the places of {names}. A name that is not known stays as
// it is; values are not looked at again, so that a device called {speed} is
// called that.
func fill(sentence string, values map[string]string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(sentence, "{")
		b.WriteString(before)
		if !ok {
			return strings.TrimSpace(b.String())
		}
		name, after, ok := strings.Cut(rest, "}")
		if v, known := values[name]; ok && known {
			b.WriteString(line(v))
			sentence = after
			continue
		}
		b.WriteString("{")
		sentence = rest
	}
}

// line makes hostile text fit for one line: no control signs, nothing that
// turns the direction of writing, bounded.
func line(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		switch n++; {
		case n > maxValue, r == unicode.ReplacementChar, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
}

// languageOf is the language of an account: its attribute language, else the
// server's, else English.
func languageOf(u *data.User, server data.Server) *language {
	for _, tag := range []string{attribute(u, "language"), text(server.Attributes["language"])} {
		primary, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
		if l := languages[primary]; l != nil {
			return l
		}
	}
	return &english
}

// zoneOf is the time zone of an account: its attribute timezone, else the
// server's, else UTC.
func zoneOf(u *data.User, server data.Server) *time.Location {
	for _, name := range []string{attribute(u, "timezone"), text(server.Attributes["timezone"])} {
		if name == "" || name == "Local" {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return time.UTC
}

// attribute is an attribute of an account that is a text; empty for any other.
func attribute(u *data.User, key string) string { return text(u.Attributes[key]) }

func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}
