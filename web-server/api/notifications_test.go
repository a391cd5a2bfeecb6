package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/storage"
)

// runNotifier runs the notifier of a server until the test ends.
func (e *env) runNotifier() {
	e.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.server.deps.Notifier.Run(ctx) }()
	e.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Errorf("notifier: %v", err)
		}
	})
}

// happened stores an event.
func (e *env) happened(ev data.Event) data.Event {
	e.t.Helper()
	list := []data.Event{ev}
	if err := e.store.InsertEvents(e.t.Context(), list); err != nil {
		e.t.Fatal(err)
	}
	e.server.deps.Notifier.EventsStored()
	return list[0]
}

// delivered waits for the deliveries of a user to be as many, all of them ended.
func (e *env) delivered(userID int64, n int) (list []data.Delivery) {
	e.t.Helper()
	e.eventually(fmt.Sprintf("user %d is told %d times", userID, n), func() bool {
		var err error
		if list, err = e.store.ListDeliveries(e.t.Context(), storage.DeliveryFilter{UserIDs: []int64{userID}}); err != nil {
			e.t.Fatal(err)
		}
		return len(list) == n && !slices.ContainsFunc(list, func(d data.Delivery) bool { return d.State == data.DeliveryQueued || d.State == data.DeliverySending })
	})
	return list
}

// mailbox keeps mails.
type mailbox struct {
	mu   sync.Mutex
	sent []mail.Message
}

func (m *mailbox) Send(_ context.Context, msg mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, msg)
	return nil
}

func (m *mailbox) all() []mail.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// Events reach the sockets of those who have a web notification for them, with
// the text that they are told, and nobody else's.
func TestEventsOnTheSocket(t *testing.T) {
	e := newEnv(t)
	ada, bob := e.user("ada", false), e.user("bob", false)
	car := e.device("car", ada, bob)
	a, b := e.client().signIn(ada), e.client().signIn(bob)
	e.runNotifier()
	a.want(200, "POST", "/api/notifications", `{"type":"geofenceEnter","always":true,"notificators":"web"}`)
	b.want(200, "POST", "/api/notifications", `{"type":"alarm","always":true,"notificators":"web","attributes":{"alarms":"sos"}}`)
	fence := data.Geofence{Name: "Depot", Area: "CIRCLE (1 2, 3)"}
	if err := e.store.CreateObject(t.Context(), &fence); err != nil {
		t.Fatal(err)
	}
	mine, theirs := a.open(), b.open()
	ev := e.happened(data.Event{DeviceID: car.ID, Type: data.EventGeofenceEnter, Time: e.clock(), ServerTime: e.clock(), GeofenceID: fence.ID})
	got := mine.until(`"events"`)
	want := fmt.Sprintf(`{"events":[{"id":%d,"attributes":{"message":"car entered Depot"},"deviceId":%d,"type":"geofenceEnter","eventTime":"2026-03-01T12:00:00.000+00:00",`+
		`"positionId":0,"geofenceId":%d,"maintenanceId":0}]}`, ev.ID, car.ID, fence.ID)
	if got != want {
		t.Errorf("events\n got %s\nwant %s", got, want)
	}
	alarm := data.Event{DeviceID: car.ID, Type: data.EventAlarm, Time: e.clock(), ServerTime: e.clock()}
	alarm.Attributes.SetString("alarm", "sos")
	e.happened(alarm)
	if got := theirs.until(`"events"`); strings.Contains(got, "Depot") || !strings.Contains(got, "car: SOS") {
		t.Errorf("the other one sees %s", got)
	}
	for _, u := range []data.User{ada, bob} {
		e.delivered(u.ID, 1)
	}
}

func TestDeliveriesAndAcknowledge(t *testing.T) {
	e := newEnv(t)
	root, ada, bob := e.user("root", true), e.user("ada", false), e.user("bob", false)
	car := e.device("car", ada, bob)
	a, b, r := e.client().signIn(ada), e.client().signIn(bob), e.client().signIn(root)
	rule := idOf(t, a.want(200, "POST", "/api/notifications",
		fmt.Sprintf(`{"type":"ignitionOn","always":true,"notificators":"web","attributes":{"severity":"alarm","escalateAfterS":300,"escalateTo":"%d"}}`, bob.ID)))
	e.runNotifier()
	ev := e.happened(data.Event{DeviceID: car.ID, Type: data.EventIgnitionOn, Time: e.clock(), ServerTime: e.clock()})
	d := e.delivered(ada.ID, 1)[0]
	list := a.want(200, "GET", "/api/notifications/deliveries", nil)
	for _, part := range []string{`"notificator":"web"`, `"severity":"alarm"`, `"state":"sent"`, `"attempts":1`, `"subject":"car: ignition on"`, `"acknowledgedAt":null`} {
		if !strings.Contains(list, part) {
			t.Errorf("%s is not in %s", part, list)
		}
	}
	for who, n := range map[*client]int{a: 1, b: 1, r: 2} {
		if got := ids(t, who.want(200, "GET", "/api/notifications/deliveries", nil)); len(got) != n {
			t.Errorf("shows %v, want %d", got, n)
		}
	}
	for query, n := range map[string]int{"notificationId=999": 0, fmt.Sprint("eventId=", ev.ID): 1, fmt.Sprint("before=", d.ID): 0, "from=2026-03-02T00:00:00Z": 0, "limit=1": 1, fmt.Sprint("deviceId=", car.ID): 1} {
		if got := ids(t, a.want(200, "GET", "/api/notifications/deliveries?"+query, nil)); len(got) != n {
			t.Errorf("%s shows %v", query, got)
		}
	}
	ack := fmt.Sprintf("/api/notifications/deliveries/%d/acknowledge", d.ID)
	b.want(404, "POST", ack, nil)
	a.want(204, "POST", ack, nil)
	e.advance(10 * time.Minute)
	if got := b.want(200, "GET", "/api/notifications/deliveries", nil); !strings.Contains(got, `"state":"cancelled"`) {
		t.Errorf("acknowledged, and the other one is still to be told: %s", got)
	}
	audit := r.want(200, "GET", "/api/audit?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", nil)
	if !strings.Contains(audit, `"acknowledge"`) {
		t.Errorf("not in the audit: %s", audit)
	}

	why := a.want(200, "GET", fmt.Sprintf("/api/notifications/%d/why?eventId=%d", rule, ev.ID), nil)
	if !strings.Contains(why, `"told":true,"matches":true`) || !strings.Contains(why, `{"name":"sees","ok":true,"text":"the account may see the device: true"}`) {
		t.Errorf("why: %s", why)
	}
	why = r.want(200, "GET", fmt.Sprintf("/api/notifications/%d/why?eventId=%d&userId=%d", rule, ev.ID, bob.ID), nil)
	if !strings.Contains(why, `{"name":"owner","ok":false`) {
		t.Errorf("why not bob: %s", why)
	}
	p := e.position(car.ID, 0)
	why = a.want(200, "GET", fmt.Sprintf("/api/notifications/%d/why?positionId=%d", rule, p.ID), nil)
	if !strings.Contains(why, `made no event ignitionOn`) {
		t.Errorf("why not of a position: %s", why)
	}
	a.want(400, "GET", fmt.Sprintf("/api/notifications/%d/why", rule), nil)
	a.want(404, "GET", fmt.Sprintf("/api/notifications/%d/why?eventId=999", rule), nil)
}

func TestTestMessagesAndAnnouncements(t *testing.T) {
	box := new(mailbox)
	e := newEnvSet(t, plainStore, func(_ *Config, d *Deps) { d.Mail = box })
	e.bot = "waymark_bot"
	root, ada, bob := e.user("root", true), e.user("ada", false), e.user("bob", false)
	a, r := e.client().signIn(ada), e.client().signIn(root)
	e.runNotifier()
	var types []struct{ Type string }
	for query, want := range map[string]string{"": "command gotify mail matrix mqtt ntfy telegram web webhook", "?announcement=true": "gotify mail matrix mqtt ntfy telegram webhook"} {
		if err := json.Unmarshal([]byte(a.want(200, "GET", "/api/notifications/notificators"+query, nil)), &types); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range types {
			names = append(names, n.Type)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q: %s", query, got)
		}
	}
	a.want(204, "POST", "/api/notifications/test", nil)
	a.want(204, "POST", "/api/notifications/test/mail", nil)
	if got := box.all(); len(got) != 2 || got[0].To != ada.Email || !strings.Contains(got[0].Text, "messages of Waymark reach you") {
		t.Errorf("mails %+v", got)
	}
	for name, want := range map[string]string{"webhook": "notify.webhookUrl", "telegram": "0 Telegram accounts", "command": "commands go to devices", "pigeon": "no such channel"} {
		if got := a.want(400, "POST", "/api/notifications/test/"+name, nil); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for range 40 {
		if a.do("POST", "/api/notifications/test/mail", nil).code == 400 {
			break
		}
	}
	if got := len(box.all()); got > 30 {
		t.Errorf("%d test mails within a minute", got)
	}

	before := len(box.all())
	a.want(403, "POST", "/api/notifications/send/mail", `{"subject":"x"}`)
	r.want(400, "POST", "/api/notifications/send/mail", `{}`)
	r.want(400, "POST", "/api/notifications/send/ntfy", `{"subject":"x"}`)
	r.want(404, "POST", fmt.Sprintf("/api/notifications/send/mail?userId=%d&userId=999", bob.ID), `{"subject":"x"}`)
	r.want(204, "POST", fmt.Sprintf("/api/notifications/send/mail?userId=%d", bob.ID), `{"subject":"Tonight","digest":"","body":"The server rests.\nA little.","priority":true}`)
	e.delivered(bob.ID, 1)
	got := box.all()[before:]
	if len(got) != 1 || got[0].To != bob.Email || got[0].Subject != "Tonight" || !strings.Contains(got[0].Text, "The server rests.\nA little.") {
		t.Errorf("announced %+v", got)
	}
}

func TestNotificationRulesAreChecked(t *testing.T) {
	e := newEnv(t)
	c := e.client().signIn(e.user("ada", false))
	for body, want := range map[string]string{
		`{"type":"alarm","notificators":"web","attributes":{"cooldownS":"often"}}`: "cooldownS",
		`{"type":"alarm","notificators":"web","attributes":{"severity":"loud"}}`:   "severity",
		`{"type":"nonsense","notificators":"web"}`:                                 "no type of event",
	} {
		if got := c.want(400, "POST", "/api/notifications", body); !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	got := c.want(400, "POST", "/api/calendars", `{"name":"x","data":"QkVHSU46VkNBTEVOREFSDQpFTkQ6VkNBTEVOREFSDQo="}`)
	if !strings.Contains(got, "calendar") {
		t.Errorf("a calendar without events: %s", got)
	}
}

// notificationProbes are the routes of telling people things.
func notificationProbes() map[string]probe {
	return map[string]probe{
		"POST /notifications/send/{notificator}": func(t *testing.T, m *member) {
			if m.UserLimit == 0 || m.Readonly {
				m.want(403, "POST", "/api/notifications/send/web", `{"subject":"x"}`)
				return
			}
			m.foreign(data.UserKind, func(id int64) {
				m.refused(t, "POST", "/api/notifications/send/web?userId={id}", id, nobody, `{"subject":"x"}`)
			})
		},
		"GET /notifications/deliveries": func(t *testing.T, m *member) {
			m.tellEverybody(t)
			for _, d := range ids(t, m.want(200, "GET", "/api/notifications/deliveries", nil)) {
				if stored, err := m.u.e.store.Delivery(t.Context(), d); err != nil || stored.UserID != m.ID {
					t.Errorf("%s: sees delivery %d to user %d, %v", m.Name, d, stored.UserID, err)
				}
			}
			m.foreign(data.UserKind, func(id int64) {
				m.refused(t, "GET", "/api/notifications/deliveries?userId={id}", id, nobody, "")
			})
		},
		"POST /notifications/deliveries/{id}/acknowledge": func(t *testing.T, m *member) {
			for userID, delivery := range m.tellEverybody(t) {
				if !m.u.sees(m.ID, data.UserKind, userID) {
					m.refused(t, "POST", "/api/notifications/deliveries/{id}/acknowledge", delivery, nobody, "")
				}
			}
		},
		"GET /notifications/{id}/why": func(t *testing.T, m *member) {
			m.foreign(data.NotificationKind, func(id int64) {
				m.refused(t, "GET", "/api/notifications/{id}/why?eventId=1", id, nobody, "")
			})
			own := m.seen(data.NotificationKind)
			if len(own) == 0 {
				return
			}
			path := fmt.Sprintf("/api/notifications/%d/why?", own[0])
			m.foreign(data.UserKind, func(id int64) { m.refused(t, "GET", path+"eventId=1&userId={id}", id, nobody, "") })
			m.foreign(data.DeviceKind, func(id int64) {
				e := m.u.e.happened(data.Event{DeviceID: id, Type: data.EventAlarm, Time: m.u.e.clock()})
				m.refused(t, "GET", path+"eventId={id}", e.ID, nobody, "")
				last, err := m.u.e.store.LatestPositions(t.Context(), []int64{id})
				if err != nil || len(last) == 0 {
					t.Fatalf("position of device %d: %v", id, err)
				}
				m.refused(t, "GET", path+"positionId={id}", last[0].ID, nobody, "")
			})
		},
	}
}

// tellEverybody makes a delivery to each member, once, and returns them by user.
func (m *member) tellEverybody(t *testing.T) map[int64]int64 {
	t.Helper()
	e, out := m.u.e, make(map[int64]int64)
	for _, other := range m.u.members {
		one := []data.Delivery{{
			Key: fmt.Sprint("probe", other.ID), UserID: other.ID, Channel: data.ChannelWeb, Severity: data.SeverityInfo, State: data.DeliverySent,
			CreatedAt: e.clock(), DueAt: e.clock(), ExpiresAt: e.clock(), ChangedAt: e.clock(),
		}}
		if err := e.store.AddDeliveries(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	all, err := e.store.ListDeliveries(t.Context(), storage.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		out[all[i].UserID] = all[i].ID
	}
	return out
}
