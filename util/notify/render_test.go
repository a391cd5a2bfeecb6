package notify

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func TestMessages(t *testing.T) {
	event := data.Event{Type: data.EventDeviceOverspeed, Time: noon, GeofenceID: 5}
	event.Attributes = data.Attributes{}
	event.Attributes.Set("speed", data.Float(50))
	event.Attributes.Set("speedLimit", data.Float(27))
	position := data.Position{SpeedKnots: 50}
	position.Attributes.SetString("address", "Main St 5")
	s := &subject{event: &event, device: &data.Device{Name: "Truck\u202e {speed}\n<7>"}, position: &position}
	all := &rules{fences: map[int64]string{5: "Depot"}}
	for name, test := range map[string]struct {
		attributes    map[string]any
		kind          string
		subject, text string
	}{
		"English":       {nil, data.EventDeviceOverspeed, "Truck {speed} <7> is too fast: 93 km/h, 50 km/h allowed", "2026-03-01 12:00 · near Main St 5"},
		"German":        {map[string]any{"language": "de-AT", "timezone": "Europe/Vienna"}, data.EventGeofenceEnter, "Truck {speed} <7> ist jetzt in Depot", "01.03.2026 13:00 · 93 km/h · bei Main St 5"},
		"miles":         {map[string]any{"speedUnit": "mph"}, data.EventDeviceOverspeed, "Truck {speed} <7> is too fast: 58 mph, 31 mph allowed", "2026-03-01 12:00 · near Main St 5"},
		"own sentence":  {map[string]any{"notify.template.geofenceEnter": "{geofence}: {device} {nonsense} {"}, data.EventGeofenceEnter, "Depot: Truck {speed} <7> {nonsense} {", "2026-03-01 12:00 · 93 km/h · near Main St 5"},
		"not a text":    {map[string]any{"notify.template.geofenceEnter": 5, "language": 7, "timezone": "Nowhere"}, data.EventGeofenceEnter, "Truck {speed} <7> entered Depot", "2026-03-01 12:00 · 93 km/h · near Main St 5"},
		"unknown event": {nil, "surprise", "Truck {speed} <7>: surprise", "2026-03-01 12:00 · 93 km/h · near Main St 5"},
	} {
		event.Type = test.kind
		m := render(all, &data.User{Attributes: test.attributes}, s)
		if m.subject != test.subject || m.text != test.text {
			t.Errorf("%s: %q %q", name, m.subject, m.text)
		}
	}
}

// Every language has a sentence for every type of event, with placeholders that
// exist, and the same ones.
func TestLanguages(t *testing.T) {
	event := data.Event{Time: noon}
	known := placeholders(&rules{}, &english, &data.User{}, &subject{event: &event, device: &data.Device{}})
	names := regexp.MustCompile(`\{[^}]*\}`)
	for code, l := range languages {
		for _, kind := range append(slices.Clone(data.EventTypes), data.EventGeofenceDwell, data.EventGeofenceMissing) {
			sentence := l.events[kind]
			if sentence == "" {
				t.Errorf("%s: %s has no sentence", code, kind)
			}
			have, want := names.FindAllString(sentence, -1), names.FindAllString(english.events[kind], -1)
			slices.Sort(have)
			slices.Sort(want)
			if !slices.Equal(have, want) {
				t.Errorf("%s: %s has %v, English %v", code, kind, have, want)
			}
			for _, name := range have {
				if _, ok := known[strings.Trim(name, "{}")]; !ok {
					t.Errorf("%s: %s: no placeholder %s", code, kind, name)
				}
			}
		}
		for _, text := range []string{l.when, l.place, l.test, l.testText, l.kmh, l.mph, l.knots, l.geofence} {
			if text == "" {
				t.Errorf("%s: a text is missing", code)
			}
		}
		if !slices.Equal(slices.Sorted(maps.Keys(l.alarms)), slices.Sorted(maps.Keys(english.alarms))) {
			t.Errorf("%s: other alarms than in English", code)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add("{device} {", "a{speed}")
	f.Add("{{device}}", "\u202e\n")
	f.Fuzz(func(t *testing.T, sentence, name string) {
		out := fill(sentence, map[string]string{"device": name})
		if strings.Contains(line(name), "\n") || len([]rune(line(name))) > maxValue {
			t.Errorf("%q", line(name))
		}
		if !strings.Contains(sentence, "{device}") && out != strings.TrimSpace(sentence) {
			t.Errorf("%q became %q", sentence, out)
		}
	})
}
