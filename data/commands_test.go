package data

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var commandTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestInterlock(t *testing.T) {
	fix := func(kmh float64, age time.Duration) *Position {
		return &Position{Valid: true, FixTime: commandTime.Add(-age), SpeedKnots: kmh / 1.852}
	}
	invalid, outdated := fix(0, 0), fix(0, 0)
	invalid.Valid, outdated.Outdated = false, true
	for name, c := range map[string]struct {
		limit   float64
		last    *Position
		unknown bool
		says    string
	}{
		"slow":           {20, fix(19.9, time.Minute), false, ""},
		"at the limit":   {20, fix(20, 0), false, ""},
		"fast":           {20, fix(57, 0), false, "57 km/h"},
		"never seen":     {20, nil, true, "not known"},
		"too long ago":   {20, fix(0, InterlockAge+time.Second), true, "not known"},
		"in the future":  {20, fix(0, -time.Hour), true, "not known"},
		"invalid":        {20, invalid, true, "not known"},
		"no coordinates": {20, outdated, true, "not known"},
		"no interlock":   {0, fix(200, 0), false, ""},
	} {
		q := QueuedCommand{InterlockKmh: c.limit}
		if why, unknown := q.Interlock(c.last, commandTime); unknown != c.unknown || (why == "") != (c.says == "") || !strings.Contains(why, c.says) {
			t.Errorf("%s: %q, %t", name, why, unknown)
		}
	}
}

func TestShownBy(t *testing.T) {
	with := func(key string, v Value) Position {
		p := Position{DeviceTime: commandTime, FixTime: commandTime}
		p.Attributes.Set(key, v)
		return p
	}
	output := Attributes{{"index", Int(2)}, {"data", String("1")}}
	early := with("blocked", Bool(true))
	early.DeviceTime = commandTime.Add(-2 * time.Second)
	old := with("x", Int(1))
	old.FixTime = commandTime.Add(-time.Minute)
	for name, c := range map[string]struct {
		kind       string
		attributes Attributes
		p          Position
		want       bool
	}{
		"cut":                      {"engineStop", nil, with("blocked", Bool(true)), true},
		"not cut":                  {"engineStop", nil, with("blocked", Bool(false)), false},
		"from before":              {"engineStop", nil, early, false},
		"runs":                     {"engineResume", nil, with("blocked", Bool(false)), true},
		"armed":                    {"alarmArm", nil, with("armed", Bool(true)), true},
		"disarmed":                 {"alarmDisarm", nil, with("armed", Bool(true)), false},
		"output":                   {"outputControl", output, with("out2", Bool(true)), true},
		"another output":           {"outputControl", output, with("out1", Bool(true)), false},
		"position":                 {"positionSingle", nil, with("x", Int(1)), true},
		"an old fix":               {"positionSingle", nil, old, false},
		"what cannot be seen":      {"rebootDevice", nil, with("blocked", Bool(true)), false},
		"a number is no statement": {"engineStop", nil, with("blocked", Int(1)), false},
	} {
		q := QueuedCommand{Type: c.kind, Attributes: c.attributes, SentAt: commandTime.Add(300 * time.Millisecond)}
		if what, shown := q.ShownBy(&c.p); shown != c.want || shown && what == "" {
			t.Errorf("%s: %q, %t", name, what, shown)
		}
	}
}

func TestCommandSteps(t *testing.T) {
	c := QueuedCommand{State: CommandQueued, CreatedAt: commandTime, ExpiresAt: commandTime.Add(time.Minute)}
	if err := c.Apply(CommandStep{State: CommandSent, Time: commandTime.Add(time.Minute)}); !errors.Is(err, ErrConflict) || c.State != CommandQueued {
		t.Errorf("sent when it had expired: %v, %s", err, c.State)
	}
	sent := commandTime.Add(59 * time.Second)
	if err := c.Apply(CommandStep{State: CommandSent, Time: sent, Owner: "one"}); err != nil || !c.ExpiresAt.Equal(sent.Add(CommandAnswerTime)) || c.Owner != "one" {
		t.Errorf("sent late: %v, %+v", err, c)
	}
	if s := c.Expiry(sent); s.State != CommandExpired || !strings.Contains(s.Text, "not answered") {
		t.Errorf("expires with %+v", s)
	}
	for _, s := range []CommandState{CommandQueued, CommandSent, CommandAcknowledged, CommandConfirmed, CommandFailed, CommandExpired, CommandCancelled} {
		if !s.Valid() {
			t.Errorf("%s is no state", s)
		}
	}
	if CommandState("x").Valid() || CommandConfirmed.Open() || !CommandAcknowledged.Open() {
		t.Error("the states are mixed up")
	}
	if DefaultCommandTTL("engineStop") >= DefaultCommandTTL("custom") {
		t.Error("engineStop waits as long as others")
	}
}

func TestCommandEvents(t *testing.T) {
	c := CommandChange{ID: 3, DeviceID: 7, Type: "custom", State: CommandConfirmed, Text: "OK \"1\"", CreatedAt: commandTime, Time: commandTime.Add(time.Second)}
	want := `{"id":0,"attributes":{"commandId":3,"command":"custom","state":"confirmed","result":"OK \"1\"","message":"custom: confirmed, OK \"1\""},` +
		`"deviceId":7,"type":"commandResult","eventTime":"2026-03-01T12:00:01.000+00:00","positionId":0,"geofenceId":0,"maintenanceId":0}`
	e, ok := c.Event()
	if got := string(e.AppendJSON(nil)); !ok || got != want || e.Detail != "3" {
		t.Errorf("have %s (%s)\nwant %s", got, e.Detail, want)
	}
	c.State = CommandSent
	if e, ok := c.Event(); ok {
		t.Errorf("sent at once is an event: %+v", e)
	}
	c.Time = commandTime.Add(CommandSentNow)
	if e, ok := c.Event(); !ok || e.Type != EventQueuedCommandSent {
		t.Errorf("sent after a wait: %+v", e)
	}
	if back, err := DecodeMessage[CommandChange](EncodeMessage(c)); err != nil || back != c {
		t.Errorf("over the bus: %+v, %v", back, err)
	}
}
