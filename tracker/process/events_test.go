package process

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/cache"
	"github.com/waymark-gps/waymark/util/derive"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/metric"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// listener is a Live that keeps the events.
type listener struct{ events []data.Event }

func (*listener) Shards() int { return 1 }

func (*listener) PublishLive(int, []data.Position) error { return nil }

func (l *listener) PublishEvents(e []data.Event) error {
	l.events = append(l.events, e...)
	return nil
}

// TestEventsOfReports has a device report: what happened is stored and passed
// on with its positions, once, also when the batch comes again after a restart.
func TestEventsOfReports(t *testing.T) {
	store, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	d := data.Device{Name: "a", UniqueID: "a", Attributes: map[string]any{"speedLimit": 40.0}}
	ok(store.CreateDevice(t.Context(), &d))
	for _, o := range []data.Object{
		&data.ComputedAttribute{Attribute: "ignition", Type: "boolean", Expression: "io1 == 1"},
		&data.ComputedAttribute{Attribute: "km", Type: "number", Expression: "totalDistance / 1000"},
		&data.ComputedAttribute{Attribute: "wrong", Type: "number", Expression: "nothing * 2"},
		&data.Maintenance{Name: "oil", Type: "odometer", Start: 1000, Period: 1000},
	} {
		ok(store.CreateObject(t.Context(), o))
		ok(store.AddLinks(t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: d.ID, Property: o.Kind(), PropertyID: *o.Fields().ID}))
	}
	reports := func(seconds ...int) (out []data.Position) {
		for _, s := range seconds {
			at := base.Add(time.Duration(s) * time.Second)
			p := data.Position{DeviceID: d.ID, Protocol: "test", ServerTime: at, DeviceTime: at, FixTime: at, Valid: true, Latitude: 52, Longitude: 13 + float64(s)/2000, SpeedKnots: 30}
			if s >= 60 && s < 120 {
				p.SpeedKnots = 55
			}
			p.Attributes.SetInt("io1", int64(min(s/30, 1)))
			p.Attributes.SetFloat("odometer", 700+float64(s)*4)
			if s == 90 {
				p.Attributes.SetString("alarm", "sos")
			}
			out = append(out, p)
		}
		return out
	}
	heard := &listener{}
	folder := (*derive.Folder)(nil)
	store1 := func(positions []data.Position) []data.Position {
		t.Helper()
		folder = derive.NewFolder(store, fleet.New(store, slog.New(slog.DiscardHandler), time.Now), slog.New(slog.DiscardHandler))
		p := New(Deps{
			Store: store, Live: heard, Last: cache.NewLast(store, 10, time.Now), Folder: folder,
			Log: slog.New(slog.DiscardHandler), Metrics: metric.NewSet(),
		})
		ok(p.store(t.Context(), t.Context(), nil, positions))
		p.announce()
		return positions
	}
	stored := store1(reports(0, 30, 60, 90))
	if v := stored[2].Attributes; v.Get("ignition") != data.Bool(true) || v.Get("km").Kind() != data.KindFloat && v.Get("km").Kind() != data.KindInt || v.Get("wrong").Kind() != data.KindNone {
		t.Errorf("computed %s", v.AppendJSON(nil))
	}
	if n := folder.NotComputed.Get(); n != 4 {
		t.Errorf("%d failures counted", n)
	}
	store1(reports(0, 30, 60, 90))
	store1(reports(120, 150))
	var got []string
	ok(store.EventsBetween(t.Context(), storage.EventFilter{DeviceIDs: []int64{d.ID}}, 0, func(e *data.Event) error {
		if e.Type == data.EventDeviceMoving {
			return nil // trips have tests of their own
		}
		line := fmt.Sprintf("%s %s", e.Time.Sub(base), e.Type)
		if !e.End.IsZero() {
			line += " to " + e.End.Sub(base).String()
		}
		if e.PositionID == 0 || e.ID == 0 || e.ServerTime.IsZero() {
			line += " of nothing"
		}
		got = append(got, line)
		return nil
	}))
	want := []string{"30s ignitionOn", "1m0s deviceOverspeed to 2m0s", "1m30s alarm", "1m30s maintenance"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
	told := map[string]int{}
	for _, e := range heard.events {
		told[e.Type]++
		if e.ID == 0 {
			t.Errorf("%+v was passed on", e)
		}
	}
	if told[data.EventAlarm] != 1 || told[data.EventIgnitionOn] != 1 || told[data.EventDeviceOverspeed] != 2 || told[data.EventMaintenance] != 1 {
		t.Errorf("passed on %v", told)
	}
}
