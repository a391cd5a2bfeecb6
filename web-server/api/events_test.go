package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// eventProbe asks for an event of each device.
func eventProbe(t *testing.T, m *member) {
	of := func(device int64) int64 {
		events := []data.Event{{DeviceID: device, Type: data.EventAlarm, Time: time.Unix(1_790_000_000, 0), ServerTime: time.Unix(1_790_000_000, 0), Detail: "sos"}}
		if err := m.u.e.store.InsertEvents(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		return events[0].ID
	}
	m.foreign(data.DeviceKind, func(id int64) { m.refused(t, "GET", "/api/events/{id}", of(id), nobody, "") })
	for _, id := range m.seen(data.DeviceKind) {
		m.want(200, "GET", fmt.Sprint("/api/events/", of(id)), nil)
	}
}

func TestEvent(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	mine, foreign := e.device("mine", ann), e.device("foreign")
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	events := []data.Event{
		{DeviceID: mine.ID, Type: data.EventDeviceOverspeed, Time: at, End: at.Add(time.Minute), ServerTime: at, PositionID: 5, GeofenceID: 6},
		{DeviceID: foreign.ID, Type: data.EventAlarm, Time: at, ServerTime: at},
	}
	events[0].Attributes.SetFloat("speed", 60)
	if err := e.store.InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"id":%d,"attributes":{"speed":60.0},"deviceId":%d,"type":"deviceOverspeed","eventTime":"2026-03-01T08:00:00.000+00:00",`+
		`"endTime":"2026-03-01T08:01:00.000+00:00","positionId":5,"geofenceId":6,"maintenanceId":0}`, events[0].ID, mine.ID)
	if got := c.want(200, "GET", fmt.Sprint("/api/events/", events[0].ID), nil); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, id := range []any{events[1].ID, 999, 0, "x"} {
		c.want(404, "GET", fmt.Sprint("/api/events/", id), nil)
	}
}

func TestComputedAttributeTest(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	mine, empty := e.device("mine", ann), e.device("empty", ann)
	e.position(mine.ID, -time.Hour)
	ask := func(code int, device int64, body string) string {
		return c.want(code, "POST", fmt.Sprint("/api/attributes/computed/test?deviceId=", device), body)
	}
	for body, want := range map[string]string{
		`{"expression":"deviceId * 10","type":"number","attribute":"a"}`:              fmt.Sprint(mine.ID * 10),
		`{"expression":"valid ? 'yes' : 'no'","type":"string","id":7,"priority":1}`:   `"yes"`,
		`{"expression":"speed >= 0 ? true : false","type":"boolean","attribute":"b"}`: "true",
	} {
		if got := ask(200, mine.ID, body); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	ask(204, mine.ID, `{"expression":"nothing","type":"number"}`)
	for body, want := range map[string]string{
		`{"expression":"speed *","type":"number"}`:     "column 8: the expression ends where a value is missing",
		`{"expression":"nothing * 2","type":"number"}`: "null * 2 has no value",
		`{"expression":"1","type":"boolean"}`:          "the result 1 is no boolean",
		`[]`:                                           "the JSON object that is expected here",
	} {
		if got := ask(400, mine.ID, body); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	if got := ask(400, empty.ID, `{"expression":"1","type":"number"}`); !strings.Contains(got, "has not reported yet") {
		t.Error(got)
	}
	c.want(400, "POST", "/api/attributes/computed", `{"attribute":"a","expression":"var x = 3; x","type":"number"}`)
}
