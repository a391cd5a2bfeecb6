package events

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geofence"
)

// start is when the reports of the tests begin.
var start = time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)

// say makes a report some seconds after start. Of the words, "moving" is what
// trips found out, "blind" a report without a place, numbers and the like are
// attributes; "speed" is that of the report, in knots, "in" a geofence.
func say(second int, words ...string) Input {
	t := start.Add(time.Duration(second) * time.Second)
	p := &data.Position{ID: int64(1000 + second), DeviceID: 7, DeviceTime: t, FixTime: t, ServerTime: t.Add(time.Second), Valid: true}
	in := Input{Position: p, Placed: true}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		var n float64
		_, err := fmt.Sscan(value, &n)
		switch {
		case key == "moving":
			in.Motion = true
		case key == "blind":
			in.Placed = false
		case key == "speed":
			p.SpeedKnots = n
		case key == "in":
			in.Visits = append(in.Visits, geofence.Visit{Fence: int64(n)})
		case value == "on" || value == "off":
			p.Attributes.SetBool(key, value == "on")
		case err == nil && key != "driverUniqueId":
			p.Attributes.SetFloat(key, n)
		default:
			p.Attributes.SetString(key, value)
		}
	}
	return in
}

// tell goes through reports and shows what happened.
func tell(c *Config, reports ...Input) []string {
	var s State
	var out []data.Event
	for i := range reports {
		out = s.Step(c, &reports[i], out)
	}
	return show(out)
}

func show(events []data.Event) []string {
	lines := []string{}
	for i := range events {
		e := &events[i]
		line := fmt.Sprintf("%d %s", int(e.Time.Sub(start).Seconds()), e.Type)
		if !e.End.IsZero() {
			line += fmt.Sprintf(" to %d", int(e.End.Sub(start).Seconds()))
		}
		if e.GeofenceID != 0 {
			line += fmt.Sprintf(" fence %d", e.GeofenceID)
		}
		if e.MaintenanceID != 0 {
			line += fmt.Sprintf(" maintenance %d", e.MaintenanceID)
		}
		if e.Detail != "" {
			line += " " + e.Detail
		}
		if len(e.Attributes) > 0 {
			line += " " + string(e.Attributes.AppendJSON(nil))
		}
		lines = append(lines, line)
	}
	return lines
}

// same compares what happened with what should have, a line for each event.
func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func config(attributes ...map[string]any) *Config {
	c := Resolve(attributes, nil, nil)
	return &c
}

func TestMotionAndIgnition(t *testing.T) {
	same(t, tell(config(),
		say(0), say(10, "ignition=off"), say(20, "ignition=on"), say(30), say(40, "moving", "ignition=on"), say(50, "moving"),
		say(60), say(70, "ignition=off"),
	), "20 ignitionOn", "40 deviceMoving", "60 deviceStopped", "70 ignitionOff")
	same(t, tell(config(), say(0, "moving", "ignition=on"), say(10, "moving")))
	e := func() data.Event {
		var s State
		in, next := say(0), say(5, "moving")
		return s.Step(config(), &next, s.Step(config(), &in, nil))[0]
	}()
	if e.DeviceID != 7 || e.PositionID != 1005 || !e.ServerTime.Equal(start.Add(6*time.Second)) || e.ID != 0 {
		t.Errorf("%+v", e)
	}
}

func TestDriverAndMedia(t *testing.T) {
	same(t, tell(config(),
		say(0), say(10, "driverUniqueId=17"), say(20), say(30, "driverUniqueId=17"), say(40, "driverUniqueId=18"),
		say(50, "image=a.jpg", "audio=b.amr"), say(50, "image=a.jpg", "audio=b.amr"), say(60, "image=a.jpg"),
	),
		`10 driverChanged 17 {"driverUniqueId":"17"}`, `40 driverChanged 18 {"driverUniqueId":"18"}`,
		`50 media image {"media":"image","file":"a.jpg"}`, `50 media audio {"media":"audio","file":"b.amr"}`,
		`60 media image {"media":"image","file":"a.jpg"}`)
	same(t, tell(config(), say(0, "driverUniqueId=17")))
}

func TestOverspeed(t *testing.T) {
	device := config(map[string]any{}, map[string]any{"speedLimit": "50"})
	event := func(seconds string, speed, limit, source string) string {
		return seconds + ` {"speed":` + speed + `,"speedLimit":` + limit + `,"speedLimitSource":"` + source + `"`
	}
	begun := event("10 deviceOverspeed", "60.0", "50.0", "device")
	t.Run("begins and ends", func(t *testing.T) {
		same(t, tell(device, say(0, "speed=50"), say(10, "speed=60"), say(20, "speed=70"), say(25, "blind"), say(30, "speed=49"), say(40, "speed=40")),
			begun+"}", event("10 deviceOverspeed to 30", "60.0", "50.0", "device")+`,"maxSpeed":70.0}`)
	})
	t.Run("ends with silence", func(t *testing.T) {
		same(t, tell(device, say(10, "speed=60"), say(20, "speed=55"), say(3600, "speed=80")),
			begun+"}", event("10 deviceOverspeed to 20", "60.0", "50.0", "device")+`,"maxSpeed":60.0}`, event("3600 deviceOverspeed", "80.0", "50.0", "device")+"}")
	})
	t.Run("lasts long enough", func(t *testing.T) {
		c := *device
		c.OverspeedAfter, c.OverspeedFactor = 20*time.Second, 1.1
		same(t, tell(&c,
			say(0, "speed=54"), say(10, "speed=60"), say(20, "speed=60"), say(25, "speed=50"),
			say(30, "speed=60"), say(40, "speed=60"), say(50, "speed=62"), say(60, "speed=0"),
		), event("30 deviceOverspeed", "60.0", "50.0", "device")+"}", event("30 deviceOverspeed to 60", "60.0", "50.0", "device")+`,"maxSpeed":62.0}`)
	})
	t.Run("sources", func(t *testing.T) {
		fences := []data.Geofence{{ID: 1, Attributes: data.Free{"speedLimit": 30.0}}, {ID: 2, Attributes: data.Free{"speedLimit": 20}}, {ID: 3}}
		for _, c := range []struct {
			attributes []map[string]any
			words      string
			want       string
		}{
			{[]map[string]any{{"speedLimit": 10.0}, {}}, "", `"speedLimit":10.0,"speedLimitSource":"server"`},
			{[]map[string]any{{"speedLimit": 10.0}, {"speedLimit": 15}, {}, {}}, "", `"speedLimit":15.0,"speedLimitSource":"group"`},
			{[]map[string]any{{"speedLimit": 10.0}, {"speedLimit": 15}, {"speedLimit": 12}}, "", `"speedLimit":12.0,"speedLimitSource":"device"`},
			{[]map[string]any{{"speedLimit": 10.0}, {"speedLimit": 0}}, "", ""},
			{[]map[string]any{{"speedLimit": "fast"}, {}}, "", ""},
			{[]map[string]any{{"speedLimit": 80.0}, {}}, "speedLimit=27", `"speedLimit":27.0,"speedLimitSource":"position"`},
			{[]map[string]any{{}, {}}, "speedLimit=27 in=1 in=2 in=3", `"speedLimit":20.0,"speedLimitSource":"geofence"`},
			{[]map[string]any{{"speedLimit": 10.0}, {}}, "in=1 in=3", `"speedLimit":30.0,"speedLimitSource":"geofence"`},
		} {
			cfg := Resolve(c.attributes, fences, nil)
			got := strings.Join(tell(&cfg, say(0, append(strings.Fields(c.words), "speed=60")...)), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, "geofence") != strings.Contains(got, "fence ") {
				t.Errorf("%v and %s: %s", c.attributes, c.words, got)
			}
		}
	})
}

func TestFuel(t *testing.T) {
	c := config(map[string]any{"fuelDropThreshold": 5.0, "fuelIncreaseThreshold": "10"})
	fill := func(from int, litres ...float64) (out []Input) {
		for i, l := range litres {
			out = append(out, say(60*(from+i), fmt.Sprint("fuel=", l)))
		}
		return out
	}
	t.Run("drop and fill", func(t *testing.T) {
		same(t, tell(c, fill(0, 50, 50.5, 49, 50, 40, 41, 40, 40, 39, 70, 72, 71, 71)...),
			`240 deviceFuelDrop {"before":50.0,"after":40.0,"change":-10.0,"unit":"litres"}`,
			`540 deviceFuelIncrease {"before":40.0,"after":71.0,"change":31.0,"unit":"litres"}`)
	})
	t.Run("sloshing and driving", func(t *testing.T) {
		var all []float64
		for i := range 400 {
			l := 80 - float64(i)*0.15 // some 9 litres an hour
			switch i % 7 {
			case 2, 3:
				l -= 12
			case 5:
				l += 15
			}
			all = append(all, l)
		}
		same(t, tell(c, fill(0, all...)...))
	})
	t.Run("too short", func(t *testing.T) {
		same(t, tell(c, say(0, "fuel=50"), say(1, "fuel=40"), say(2, "fuel=40"), say(3, "fuel=40"), say(4, "fuel=50"), say(200, "fuel=50")))
	})
	t.Run("per cent", func(t *testing.T) {
		same(t, tell(c, say(0, "fuelLevel=80"), say(60, "fuelLevel=60"), say(120, "fuelLevel=61"), say(180, "fuelLevel=60")),
			`60 deviceFuelDrop {"before":80.0,"after":60.0,"change":-20.0,"unit":"percent"}`)
		same(t, tell(c, say(0, "fuel=80"), say(60, "fuelLevel=20"), say(120, "fuelLevel=20"), say(180, "fuelLevel=20"), say(240, "fuel=80")))
	})
	t.Run("off", func(t *testing.T) {
		same(t, tell(config(), fill(0, 50, 50, 50, 1, 1, 1, 1, 1)...))
	})
}

func TestAlarms(t *testing.T) {
	sos, tow := ` alarm sos {"alarm":"sos"}`, ` alarm tow {"alarm":"tow"}`
	reports := []Input{
		say(0, "alarm=sos"), say(10, "alarm=sos,tow"), say(20, "alarm=tow"), say(30), say(40, "alarm=sos"), say(45), say(100, "alarm=sos, tow"),
	}
	same(t, tell(config(), reports...), "0"+sos, "10"+tow, "40"+sos, "100"+sos, "100"+tow)
	same(t, tell(config(map[string]any{"event.ignoreDuplicateAlerts": 60}), reports...), "0"+sos, "10"+tow, "100"+sos, "100"+tow)
	var many []Input
	for i := range 100 {
		many = append(many, say(i, fmt.Sprintf("alarm=kind%d", i)))
	}
	var s State
	var out []data.Event
	for i := range many {
		out = s.Step(config(), &many[i], out)
	}
	if len(out) != len(many) || len(s.alarms) != maxAlarms {
		t.Errorf("%d events, %d remembered", len(out), len(s.alarms))
	}
}

func TestMaintenance(t *testing.T) {
	c := Resolve(nil, nil, []data.Maintenance{
		{ID: 1, Type: "totalDistance", Start: 1000, Period: 500},
		{ID: 2, Type: "totalDistance", Start: 1800},
		{ID: 3, Type: "deviceTime", Start: data.Decimal(start.Add(time.Minute).UnixMilli()), Period: 3600_000},
	})
	same(t, tell(&c,
		say(0, "totalDistance=900"), say(10), say(20, "totalDistance=1000"), say(30, "totalDistance=1400"), say(40, "totalDistance=2600"),
		say(50, "totalDistance=100"), say(59, "totalDistance=1100"), say(61), say(70), say(3661),
	),
		`20 maintenance maintenance 1 {"maintenance":"totalDistance","value":1000.0,"due":1000.0}`,
		`40 maintenance maintenance 1 {"maintenance":"totalDistance","value":2600.0,"due":2500.0}`,
		`40 maintenance maintenance 2 {"maintenance":"totalDistance","value":2600.0,"due":1800.0}`,
		`59 maintenance maintenance 1 {"maintenance":"totalDistance","value":1100.0,"due":1000.0}`,
		fmt.Sprintf(`61 maintenance maintenance 3 {"maintenance":"deviceTime","value":%d.0,"due":%d.0}`, start.UnixMilli()+61000, start.UnixMilli()+60000),
		fmt.Sprintf(`3661 maintenance maintenance 3 {"maintenance":"deviceTime","value":%d.0,"due":%d.0}`, start.UnixMilli()+3661000, start.UnixMilli()+3660000))
	// Who gets a maintenance later is not told of what lies behind.
	same(t, tell(&c, say(70, "totalDistance=5000"), say(80, "totalDistance=5100")))
}

func TestGeofences(t *testing.T) {
	at := func(second int) int64 { return start.UnixMilli() + int64(second)*1000 }
	in := say(100)
	in.Fences = []geofence.Event{
		{Kind: geofence.Enter, Fence: 1, Time: at(100)},
		{Kind: geofence.Exit, Fence: 2, Time: at(100), Since: at(40)},
		{Kind: geofence.Cross, Fence: 3, Time: at(100)},
		{Kind: geofence.Dwell, Fence: 4, Time: at(90), Since: at(30)},
	}
	same(t, tell(config(), in),
		"100 geofenceEnter fence 1", `100 geofenceExit fence 2 {"duration":60000}`, "100 geofenceCrossed fence 3", `90 geofenceDwell fence 4 {"duration":60000}`)
}
