package api

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/report/sheet"
)

// reportProbes are the isolation probes of reports.
func reportProbes() map[string]probe {
	const span = "from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z"
	closed := func(end string, names []string) probe {
		return func(t *testing.T, m *member) {
			for _, name := range names {
				ofDevice("GET", "/reports/"+name+end+"?deviceId={id}&"+span, "")(t, m)
			}
			m.foreign(data.GroupKind, func(id int64) {
				m.refused(t, "GET", "/api/reports/"+names[0]+end+"?"+span+"&groupId={id}", id, nobody, "")
			})
		}
	}
	path := "GET /reports/{report:" + strings.Join(reportNames, "|") + "}"
	return map[string]probe{
		path: func(t *testing.T, m *member) {
			closed("", reportNames)(t, m)
			// Without a device it is of those that the member sees, whatever the group.
			want := m.seen(data.DeviceKind)
			if got := ids(t, m.want(200, "GET", "/api/reports/devices", nil)); !sameIDs(got, want) {
				t.Errorf("%s: devices %v, sees %v", m.Name, got, want)
			}
			for _, g := range m.seen(data.GroupKind) {
				for _, id := range ids(t, m.want(200, "GET", fmt.Sprint("/api/reports/devices?groupId=", g), nil)) {
					if !slices.Contains(want, id) {
						t.Errorf("%s: group %d shows the device %d", m.Name, g, id)
					}
				}
			}
			for _, name := range reportNames {
				body := m.want(200, "GET", "/api/reports/"+name+"?"+span, nil)
				var rows []struct{ ID, DeviceID int64 }
				if err := json.Unmarshal([]byte(body), &rows); err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					if name == "devices" {
						r.DeviceID = r.ID
					}
					if !slices.Contains(want, r.DeviceID) {
						t.Errorf("%s: the report %s shows the device %d", m.Name, name, r.DeviceID)
					}
				}
			}
		},
		path + "/xlsx": closed("/xlsx", reportNames),
		path + "/mail": closed("/mail", reportNames),
		"GET /reports/{report:" + strings.Join(reportNames[1:], "|") + "}/csv": closed("/csv", reportNames[1:]),
	}
}

func sameIDs(a, b []int64) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// trip stores an hour of rest, half an hour at 60 km/h, and an hour of rest that
// ends at the clock, with what it means.
func (e *env) trip(d data.Device) {
	e.t.Helper()
	log := slog.New(slog.DiscardHandler)
	folder := derive.NewFolder(e.store, fleet.New(e.store, log, e.clock), log)
	at, place := e.clock().Add(-150*time.Minute), 50.0
	var all []data.Position
	for at.Before(e.clock()) {
		at = at.Add(10 * time.Second)
		p := data.Position{DeviceID: d.ID, Protocol: "osmand", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true, Longitude: 10}
		if left := e.clock().Sub(at); left >= time.Hour && left < 90*time.Minute {
			place += 60 / 3.6 * 10 / 111_195
			p.SpeedKnots = 60 / 1.852
		}
		p.Latitude = place
		p.Attributes.SetBool("ignition", p.SpeedKnots > 0)
		all = append(all, p)
	}
	prints := make([]uint64, len(all))
	for i := range all {
		prints[i] = all[i].Fingerprint()
	}
	if err := e.store.InsertPositions(e.t.Context(), all, prints, folder.Fold); err != nil {
		e.t.Fatal(err)
	}
}

// during is a query of the hours before the clock.
func (e *env) during(hours int, more ...string) string {
	q := url.Values{"from": {timeText(e.clock().Add(-time.Duration(hours) * time.Hour))}, "to": {timeText(e.clock())}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Add(more[i], more[i+1])
	}
	return "?" + q.Encode()
}

func list(t *testing.T, body string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	if err := json.Unmarshal([]byte(body), &rows); err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	return rows
}

func TestReports(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	u.Attributes = map[string]any{"timezone": "Europe/Berlin", "distanceUnit": "mi"}
	if err := e.store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	d, other := e.device("Van", u), e.device("Other", u)
	e.trip(d)
	c := e.client().signIn(u)
	get := func(path string, headers ...string) answer {
		t.Helper()
		a := c.do("GET", "/api/reports/"+path, nil, headers...)
		if a.code != 200 {
			t.Fatalf("%s = %d %s", path, a.code, a.body)
		}
		return a
	}
	trips := list(t, get("trips"+e.during(5)).body)
	if len(trips) != 1 || trips[0]["deviceName"] != "Van" || math.Abs(trips[0]["distance"].(float64)-30_000) > 500 {
		t.Fatalf("trips are %v", trips)
	}
	for name, want := range map[string]int{"stops": 2, "summary": 2, "route": 900, "mileage": 1, "fuel": 1, "devices": 2, "combined": 2, "geofences": 0} {
		if rows := list(t, get(name+e.during(5)).body); len(rows) != want {
			t.Errorf("%s has %d rows, want %d", name, len(rows), want)
		}
	}
	if days := list(t, get("summary"+e.during(24, "daily", "true", "deviceId", fmt.Sprint(d.ID))).body); len(days) != 1 {
		t.Errorf("days are %v", days)
	}
	if cut := list(t, get("trips"+e.during(1, "deviceId", fmt.Sprint(other.ID))).body); len(cut) != 0 {
		t.Errorf("trips of a device that did not move: %v", cut)
	}
	// Files, by the header and by the address.
	for _, a := range []answer{get("trips/csv" + e.during(5)), get("trips"+e.during(5), "Accept", "text/html, text/csv;q=0.9")} {
		lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(lines) != 2 || !slices.Contains(lines[0], "Distance (mi)") || !strings.HasSuffix(lines[1][1], "+01:00") {
			t.Errorf("the table is %q, %v", lines, err)
		}
		if got := a.header.Get("Content-Disposition"); !strings.Contains(got, "trips 2026-03-01.csv") {
			t.Errorf("the file is %s", got)
		}
	}
	xlsx, _ := sheet.Named("xlsx")
	for path, sheets := range map[string]int{"trips/xlsx": 1, "combined/xlsx": 5, "summary": 1} {
		a := get(path+e.during(5), "Accept", xlsx.Accept)
		z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range z.File {
			if strings.HasPrefix(f.Name, "xl/worksheets/") {
				n++
			}
		}
		if n != sheets || a.header.Get("Content-Type") != xlsx.ContentType {
			t.Errorf("%s has %d sheets, want %d; %s", path, n, sheets, a.header.Get("Content-Type"))
		}
	}
	for path, code := range map[string]int{
		"trips": 400, "trips?from=2026-03-01T00:00:00Z": 400, "trips?from=x&to=y": 400, "trips" + e.during(5, "deviceId", "x"): 400,
		"summary" + e.during(5, "period", "year"): 400, "trips" + e.during(5, "deviceId", "987654"): 404, "trips" + e.during(5, "groupId", "987654"): 404,
		"trips/mail" + e.during(5): 400, "trips/pdf" + e.during(5): 404, "combined/csv" + e.during(5): 404, "nonsense" + e.during(5): 404,
	} {
		if a := c.do("GET", "/api/reports/"+path, nil); a.code != code {
			t.Errorf("%s = %d %s, want %d", path, a.code, a.body, code)
		}
	}
	if a := c.do("GET", "/api/reports/combined"+e.during(5), nil, "Accept", "text/csv"); a.code != 400 || a.header.Get("Content-Disposition") != "" {
		t.Errorf("combined as CSV = %d %v", a.code, a.header)
	}
	// Who may not make reports makes none.
	u.DisableReports = true
	if err := e.store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	c = e.client().signIn(u)
	c.want(403, "GET", "/api/reports/trips"+e.during(5), nil)
	root := e.client().signIn(e.user("root", true))
	root.want(404, "GET", "/api/reports/trips"+e.during(5, "deviceId", "987654"), nil)
	root.want(404, "GET", "/api/reports/trips"+e.during(5, "groupId", "987654"), nil)
	root.want(200, "PUT", "/api/server", `{"disableReports":true}`)
	bob := e.client().signIn(e.user("bob", false))
	bob.want(403, "GET", "/api/reports/summary"+e.during(5), nil)
	root.want(200, "GET", "/api/reports/summary"+e.during(5), nil)
}

// TestReportsOfGroups: those in groups within the group count.
func TestReportsOfGroups(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	outer := &data.Group{Name: "outer"}
	e.object(outer)
	inner := &data.Group{Name: "inner", GroupID: outer.ID}
	e.object(inner)
	in := data.Device{Name: "in", UniqueID: "in", GroupID: inner.ID}
	if err := e.store.CreateDevice(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	direct := e.device("direct", u)
	e.link(data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.GroupKind, PropertyID: outer.ID})
	c := e.client().signIn(u)
	for query, want := range map[string][]int64{
		"": {direct.ID, in.ID}, fmt.Sprint("?groupId=", outer.ID): {in.ID}, fmt.Sprint("?groupId=", inner.ID): {in.ID},
		fmt.Sprint("?groupId=", outer.ID, "&groupId=", inner.ID, "&deviceId=", direct.ID): {direct.ID, in.ID},
	} {
		if got := ids(t, c.want(200, "GET", "/api/reports/devices"+query, nil)); !sameIDs(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

func (e *env) object(o data.Object) {
	e.t.Helper()
	if err := e.store.CreateObject(e.t.Context(), o); err != nil {
		e.t.Fatal(err)
	}
}

// TestPytraccarAsksForEvents sends what Home Assistant's library sends: ids and
// types repeated, times with microseconds, a bearer token.
func TestPytraccarAsksForEvents(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d, other := e.device("Van", u), e.device("Other", u)
	at := e.clock().Add(-time.Minute)
	alarm := data.Event{DeviceID: d.ID, Type: data.EventAlarm, Time: at, ServerTime: at, PositionID: 5}
	alarm.Attributes.SetString("alarm", "sos")
	over := data.Event{DeviceID: other.ID, Type: data.EventGeofenceEnter, Time: at, ServerTime: at, GeofenceID: 3}
	off := data.Event{DeviceID: d.ID, Type: data.EventDeviceOffline, Time: at, ServerTime: at}
	old := data.Event{DeviceID: d.ID, Type: data.EventAlarm, Time: at.Add(-time.Hour), ServerTime: at}
	events := []data.Event{alarm, over, off, old}
	if err := e.store.InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	c := e.client().signIn(u)
	q := url.Values{
		"deviceId": {fmt.Sprint(d.ID), fmt.Sprint(other.ID)}, "type": {"alarm", "geofenceEnter"},
		"from": {at.Add(-time.Minute).Format("2006-01-02T15:04:05.000000") + "Z"}, "to": {e.clock().Format("2006-01-02T15:04:05.000000") + "Z"},
	}
	a := c.do("GET", "/api/reports/events?"+q.Encode(), nil, "Accept", "application/json", "Content-Type", "application/json")
	want := fmt.Sprintf(`[{"id":%d,"attributes":{"alarm":"sos"},"deviceId":%d,"type":"alarm","eventTime":"2026-03-01T11:59:00.000+00:00","positionId":5,"geofenceId":0,"maintenanceId":0},`+
		`{"id":%d,"attributes":{},"deviceId":%d,"type":"geofenceEnter","eventTime":"2026-03-01T11:59:00.000+00:00","positionId":0,"geofenceId":3,"maintenanceId":0}]`,
		events[0].ID, d.ID, events[1].ID, other.ID)
	if a.code != 200 || a.body != want || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("events are %d %s\nwant %s", a.code, a.body, want)
	}
	q.Set("alarm", "tow")
	if rows := list(t, c.want(200, "GET", "/api/reports/events?"+q.Encode(), nil)); len(rows) != 1 {
		t.Errorf("without the alarm: %v", rows)
	}
}

// post is a mailbox.
type post struct {
	mu   sync.Mutex
	down error
	got  []mail.Message
}

func (p *post) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return p.down
	}
	p.got = append(p.got, m)
	return nil
}

func (p *post) mails() []mail.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func TestReportByMail(t *testing.T) {
	box := &post{}
	e := newEnvSet(t, plainStore, func(_ *Config, d *Deps) { d.Mail = box })
	u := e.user("ann", false)
	d := e.device("Van", u)
	e.trip(d)
	c := e.client().signIn(u)
	c.want(204, "GET", "/api/reports/trips/mail"+e.during(5), nil)
	e.eventually("the report is sent", func() bool { return len(box.mails()) == 1 })
	m := box.mails()[0]
	if m.To != "ann@example.org" || len(m.Attachments) != 1 || m.Attachments[0].Name != "trips Van 2026-03-01.xlsx" {
		t.Fatalf("the mail is %.300v", m)
	}
	content := m.Attachments[0].Content
	if _, err := zip.NewReader(bytes.NewReader(content), int64(len(content))); err != nil {
		t.Error(err)
	}
}

// TestLongReportStreams: 10,000 rows come through a client that reads slowly, and
// what a report holds does not grow.
func TestLongReportStreams(t *testing.T) {
	e := newEnv(t)
	u := e.user("ann", false)
	d := e.device("Van", u)
	e.drive(d.ID, 10_000, time.Second)
	c := e.client().signIn(u)
	for path, least := range map[string]int{"route": 2_000_000, "route/csv": 500_000, "route/xlsx": 100_000} {
		a := c.do("GET", "/api/reports/"+path+e.during(24), nil)
		if a.code != 200 || len(a.body) < least {
			t.Errorf("%s = %d, %d bytes", path, a.code, len(a.body))
		}
	}
	var rows []json.RawMessage
	if err := json.Unmarshal([]byte(c.want(200, "GET", "/api/reports/route"+e.during(24), nil)), &rows); err != nil || len(rows) != 10_000 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// Who asks for centuries in days gets an answer at once, and a whole span has
// no bound.
func TestReportsOfCenturies(t *testing.T) {
	e, ann, d := family(t)
	c := e.client().signIn(ann)
	span := fmt.Sprintf("?deviceId=%d&from=0200-01-01T00:00:00Z&to=9999-01-01T00:00:00Z", d.ID)
	for path, want := range map[string]int{
		"mileage" + span: 400, "fuel" + span: 400, "summary" + span + "&daily=true": 400, "summary" + span + "&period=month": 400,
		"summary" + span: 200, "mileage" + span + "&period=whole": 200, "trips" + span: 200,
		fmt.Sprintf("mileage?deviceId=%d&from=2016-03-01T00:00:00Z&to=2026-03-01T00:00:00Z", d.ID): 200,
	} {
		if a := c.do("GET", "/api/reports/"+path, nil, "Accept", "application/json"); a.code != want {
			t.Errorf("%s: %d %.200s", path, a.code, a.body)
		}
	}
}
