package api

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/statistics"
)

func TestStatistics(t *testing.T) {
	var counters *statistics.Counters
	e := newEnvSet(t, plainStore, func(_ *Config, d *Deps) {
		counters = statistics.New(d.Now)
		d.Statistics = counters
	})
	root := e.user("root", true)
	c := e.client().signIn(root)
	c.want(200, "GET", "/api/devices", nil)
	c.want(200, "GET", "/api/devices", nil)
	day := data.DayOf(e.clock())
	err := e.store.AddActivity(t.Context(), data.Activity{
		Day: day, Devices: []int64{1, 2}, Users: []int64{root.ID},
		Counts: map[string]int64{data.CountMessagesStored: 7, data.CountProtocol + "gt06": 3, data.CountProtocol + "osmand": 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"captureTime":"2026-03-02T00:00:00.000+00:00","activeUsers":1,"activeDevices":2,"requests":0,"messagesReceived":0,"messagesStored":7,` +
		`"mailSent":0,"smsSent":0,"geocoderRequests":0,"geolocationRequests":0,"protocols":{"gt06":3,"osmand":4}}]`
	if got := c.want(200, "GET", "/api/statistics"+e.during(24), nil); got != want {
		t.Errorf("statistics are\n%s, want\n%s", got, want)
	}
	for _, query := range []string{"", "?from=2026-03-01T00:00:00Z", "?from=1990-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"} {
		c.want(400, "GET", "/api/statistics"+query, nil)
	}
	// What the server counts itself.
	counted := countedBy(t, counters)
	if counted.Counts[data.CountRequests] < 5 || len(counted.Users) != 1 || counted.Users[0] != root.ID {
		t.Errorf("counted is %+v", counted)
	}
}

func TestReportRuns(t *testing.T) {
	e := newEnv(t)
	ann, bob := e.user("ann", false), e.user("bob", false)
	r := &data.ScheduledReport{Type: "trips", Description: "x"}
	e.object(r)
	for _, u := range []data.User{ann, bob} {
		e.link(data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.ReportKind, PropertyID: r.ID})
		run := data.ReportRun{ReportID: r.ID, UserID: u.ID, Until: e.clock(), Attempts: 1, Error: "no route to host", NextAt: e.clock().Add(time.Minute)}
		if err := e.store.PutReportRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf(`[{"reportId":%d,"userId":%d,"until":"2026-03-01T12:00:00.000+00:00","sentTime":null,"attempts":1,"error":"no route to host","nextTime":"2026-03-01T12:01:00.000+00:00"}]`, r.ID, ann.ID)
	c := e.client().signIn(ann)
	if got := c.want(200, "GET", fmt.Sprintf("/api/reports/%d/runs", r.ID), nil); got != want {
		t.Errorf("runs are %s, want %s", got, want)
	}
	if rows := list(t, e.client().signIn(e.user("root", true)).want(200, "GET", fmt.Sprintf("/api/reports/%d/runs", r.ID), nil)); len(rows) != 2 {
		t.Errorf("an administrator sees %v", rows)
	}
	e.client().signIn(e.user("eve", false)).want(404, "GET", fmt.Sprintf("/api/reports/%d/runs", r.ID), nil)
	c.want(404, "GET", "/api/reports/987654/runs", nil)
}

// noted is a store of statistics.
type noted struct{ data.Activity }

func (n *noted) AddActivity(_ context.Context, a data.Activity) error {
	n.Activity = a
	return nil
}

// countedBy is what was counted until now.
func countedBy(t *testing.T, c *statistics.Counters) data.Activity {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it stores what there is, and ends
	var n noted
	if err := c.Run(ctx, &n, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return n.Activity
}
