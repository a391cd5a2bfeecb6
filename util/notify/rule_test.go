package notify

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

type ruleWorld struct {
	*env
	anna, bert data.User
	truck      data.Device
	made       data.Notification
}

func alarmRule(alarms string) func(*ruleWorld, *data.Notification) {
	return func(_ *ruleWorld, n *data.Notification) {
		n.Type, n.Attributes = data.EventAlarm, data.Free{"alarms": alarms}
	}
}

func alarmEvent(alarms string) func(*data.Event) {
	return func(e *data.Event) {
		e.Type = data.EventAlarm
		e.Attributes.SetString("alarm", alarms)
	}
}

func fenceRule(_ *ruleWorld, n *data.Notification) {
	n.Type, n.Attributes = data.EventGeofenceEnter, data.Free{"geofenceIds": "4,5"}
}

func attributeRule(key string, value any) func(*ruleWorld, *data.Notification) {
	return func(_ *ruleWorld, n *data.Notification) { n.Attributes = data.Free{key: value} }
}

func calendarRule(repeat string) func(*ruleWorld, *data.Notification) {
	return func(w *ruleWorld, n *data.Notification) {
		c := data.Calendar{Name: "c", Data: []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" +
			"DTSTART:20260101T080000Z\r\nDTEND:20260101T180000Z\r\nRRULE:" + repeat + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")}
		w.ok(w.store.CreateObject(w.Context(), &c))
		n.CalendarID = c.ID
	}
}

// TestWhoIsTold goes through the conditions of a rule: told are two channels,
// and the trace of each case says the same as what happened.
func TestWhoIsTold(t *testing.T) {
	for _, test := range []struct {
		name string
		// prepare changes the rule before it is stored; then is called after.
		prepare func(w *ruleWorld, n *data.Notification)
		then    func(w *ruleWorld)
		event   func(e *data.Event)
		told    bool
		// failed is the condition that a trace shows as not met.
		failed string
	}{
		{name: "all devices", told: true},
		{name: "another type", event: func(e *data.Event) { e.Type = data.EventIgnitionOff }, failed: "type"},
		{name: "not linked", prepare: func(_ *ruleWorld, n *data.Notification) { n.Always = false }, failed: "linked"},
		{
			name: "linked to the device", prepare: func(_ *ruleWorld, n *data.Notification) { n.Always = false },
			then: func(w *ruleWorld) { w.link(data.DeviceKind, w.truck.ID, data.NotificationKind, w.made.ID) }, told: true,
		},
		{
			name: "linked to a group around", prepare: func(_ *ruleWorld, n *data.Notification) { n.Always = false }, told: true,
			then: func(w *ruleWorld) {
				outer := data.Group{Name: "outer"}
				w.ok(w.store.CreateObject(w.Context(), &outer))
				inner := data.Group{Name: "inner", GroupID: outer.ID}
				w.ok(w.store.CreateObject(w.Context(), &inner))
				w.truck.GroupID = inner.ID
				w.ok(w.store.UpdateDevice(w.Context(), &w.truck))
				w.link(data.GroupKind, outer.ID, data.NotificationKind, w.made.ID)
			},
		},
		{name: "only other devices", prepare: func(_ *ruleWorld, n *data.Notification) { n.Attributes = data.Free{"deviceIds": "77, 78"} }, failed: "devices"},
		{name: "this device too", prepare: func(w *ruleWorld, n *data.Notification) { n.Attributes = data.Free{"deviceIds": float64(w.truck.ID)} }, told: true},
		{name: "another alarm", prepare: alarmRule("tow,sos"), event: alarmEvent("door"), failed: "alarms"},
		{name: "one of several alarms", prepare: alarmRule("tow,sos"), event: alarmEvent("door,sos"), told: true},
		{name: "any alarm", prepare: alarmRule(""), event: alarmEvent("door"), told: true},
		{name: "another geofence", prepare: fenceRule, event: func(e *data.Event) { e.Type, e.GeofenceID = data.EventGeofenceEnter, 6 }, failed: "geofences"},
		{name: "one of the geofences", prepare: fenceRule, event: func(e *data.Event) { e.Type, e.GeofenceID = data.EventGeofenceEnter, 5 }, told: true},
		{name: "not the time of the calendar", prepare: calendarRule("FREQ=WEEKLY;BYDAY=MO"), failed: "calendar"},
		{name: "the time of the calendar", prepare: calendarRule("FREQ=WEEKLY;BYDAY=SU"), told: true},
		{name: "data of yesterday", event: func(e *data.Event) { e.Time = noon.Add(-2 * time.Hour) }, failed: "age"},
		{
			name: "data of yesterday, which the rule wants", prepare: attributeRule("maxAgeS", "10000"),
			event: func(e *data.Event) { e.Time = noon.Add(-2 * time.Hour) }, told: true,
		},
		{name: "the account is off", then: func(w *ruleWorld) { w.anna.Disabled = true; w.ok(w.store.UpdateUser(w.Context(), &w.anna)) }, failed: "active"},
		{name: "the device was taken away", then: func(w *ruleWorld) {
			w.ok(w.store.RemoveLinks(w.Context(), data.UserDevice(w.anna.ID, w.truck.ID)))
		}, failed: "sees"},
		{name: "no channel that works", prepare: func(_ *ruleWorld, n *data.Notification) { n.Notificators = "webhook,nonsense" }, failed: "channel"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &ruleWorld{env: newEnv(t)}
			w.anna, w.bert = w.user("anna", nil), w.user("bert", nil)
			w.truck = w.device("Truck", w.anna, w.bert) // bert sees it, and has no rule
			n := data.Notification{Type: data.EventIgnitionOn, Always: true, Notificators: "web,mail"}
			if test.prepare != nil {
				test.prepare(w, &n)
			}
			w.made = w.rule(n, w.anna)
			if test.then != nil {
				test.then(w)
			}
			e := w.event(w.truck, data.EventIgnitionOn, func(e *data.Event) {
				if test.event != nil {
					test.event(e)
				}
			})
			notifier := w.notifier()
			w.tell(notifier)
			list := w.deliveries()
			if test.told != (len(list) == 2) || (!test.told && len(list) != 0) {
				t.Errorf("told: %v", w.told())
			}
			for _, d := range list {
				if d.UserID != w.anna.ID {
					t.Errorf("told to user %d", d.UserID)
				}
			}
			why, err := notifier.WhyEvent(t.Context(), &w.anna, w.made.ID, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			if why.Matches != test.told || len(why.Deliveries) != len(list) {
				t.Errorf("the trace says %v with %d deliveries: %+v", why.Matches, len(why.Deliveries), why.Conditions)
			}
			for _, c := range why.Conditions {
				if c.OK == (c.Name == test.failed) && !(test.failed == "sees" && c.Name != "sees") {
					t.Errorf("condition %+v", c)
				}
			}
		})
	}
}

func TestCooldown(t *testing.T) {
	e := newEnv(t)
	u := e.user("anna", nil)
	truck, car := e.device("Truck", u), e.device("Car", u)
	e.rule(data.Notification{Type: data.EventIgnitionOn, Always: true, Notificators: "web", Attributes: data.Free{"cooldownS": 600.0}}, u)
	n := e.notifier()
	step := func(want int, what string) {
		t.Helper()
		e.tell(n)
		if have := len(e.told()); have != want {
			t.Errorf("%s: %d told, want %d", what, have, want)
		}
	}
	e.event(truck, data.EventIgnitionOn)
	e.event(truck, data.EventIgnitionOn)
	e.event(car, data.EventIgnitionOn)
	step(2, "two at once, and one of another device")
	e.pass(9 * time.Minute)
	e.event(truck, data.EventIgnitionOn)
	step(2, "too soon")
	e.pass(2 * time.Minute)
	e.event(truck, data.EventIgnitionOn)
	step(3, "after it")
	e.event(truck, data.EventIgnitionOn, func(e *data.Event) { e.Time = e.Time.Add(-5 * time.Minute) })
	step(3, "late, and between two that are too near")
}

// Somebody else is told, by another channel, if nobody acknowledges.
func TestEscalation(t *testing.T) {
	for _, acknowledged := range []bool{false, true} {
		e := newEnv(t)
		anna, boss, stranger := e.user("anna", nil), e.user("boss", nil), e.user("stranger", nil)
		truck := e.device("Truck", anna, boss)
		to := "mail," + join([]int64{boss.ID, stranger.ID, 999})
		e.rule(data.Notification{Type: data.EventIgnitionOn, Always: true, Notificators: "web", Attributes: data.Free{"escalateAfterS": 300.0, "escalateTo": to}}, anna)
		n := e.notifier()
		e.event(truck, data.EventIgnitionOn)
		e.tell(n)
		e.sendAll(n)
		if len(e.bus.notices) != 1 || len(e.mail.sent) != 0 {
			t.Fatalf("at once: %d pages, %d mails", len(e.bus.notices), len(e.mail.sent))
		}
		if acknowledged {
			list := e.deliveries()
			e.ok(e.store.AcknowledgeDelivery(t.Context(), list[len(list)-1].ID, anna.ID, e.now()))
		}
		e.pass(5 * time.Minute)
		e.sendAll(n)
		var to2 []int64
		for _, notice := range e.bus.notices[1:] {
			to2 = append(to2, notice.UserID)
		}
		mails := len(e.mail.sent)
		if want := 0; acknowledged && (mails != want || len(to2) != want) {
			t.Errorf("acknowledged, and still told: %d mails, pages of %v", mails, to2)
		}
		if !acknowledged && (mails != 1 || e.mail.sent[0].To != anna.Email || !slices.Equal(to2, []int64{boss.ID})) {
			t.Errorf("not acknowledged: mails %v, pages of %v; the boss sees the device, the stranger does not", e.mail.sent, to2)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for key, value := range map[string]any{
		"cooldownS": "often", "maxAgeS": -1.0, "escalateAfterS": 1e9, "severity": "loud", "geofenceIds": "home", "alarms": []any{"sos"},
	} {
		err := CheckRule(&data.Notification{Attributes: data.Free{key: value}})
		if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s = %v: %v", key, value, err)
		}
	}
	if err := CheckRule(&data.Notification{Attributes: data.Free{"cooldownS": 60.0, "alarms": nil, "deviceIds": "1, 2", "other": 1}}); err != nil {
		t.Error(err)
	}
}

func TestWhyPosition(t *testing.T) {
	e := newEnv(t)
	u := e.user("anna", nil)
	truck := e.device("Truck", u)
	rule := e.rule(data.Notification{Type: data.EventAlarm, Always: true, Notificators: "web"}, u)
	positions := make([]data.Position, 2)
	for i := range positions {
		at := noon.Add(time.Duration(i) * time.Minute)
		positions[i] = data.Position{DeviceID: truck.ID, Protocol: "test", Valid: true, DeviceTime: at, FixTime: at, ServerTime: at, SpeedKnots: 10}
	}
	e.ok(e.store.InsertPositions(t.Context(), positions, []uint64{1, 2}, nil))
	e.event(truck, data.EventAlarm, func(e *data.Event) { e.PositionID = positions[0].ID })
	n := e.notifier()
	e.tell(n)
	why, err := n.WhyPosition(t.Context(), &u, rule.ID, positions[0].ID)
	if err != nil || !why.Matches || why.EventID == 0 || len(why.Deliveries) != 1 {
		t.Errorf("of the position with the alarm: %+v, %v", why, err)
	}
	why, err = n.WhyPosition(t.Context(), &u, rule.ID, positions[1].ID)
	if err != nil || why.Matches || why.EventID != 0 || why.Conditions[0].Name != "event" || !strings.Contains(why.Conditions[0].Text, "speed 18.5 km/h") {
		t.Errorf("of the other one: %+v, %v", why, err)
	}
	if _, err := n.WhyPosition(t.Context(), &u, rule.ID, 999); !errors.Is(err, data.ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
}
