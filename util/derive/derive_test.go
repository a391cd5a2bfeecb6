package derive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// yard is a device with a geofence of 200 m around 52.5, 13.4.
type yard struct {
	*testing.T
	store  *sqlite.Store
	fleet  *fleet.Fleet
	folder *Folder
	device data.Device
	fence  int64
	log    bytes.Buffer
}

func newYard(t *testing.T, fence data.Free, hours string) *yard {
	t.Helper()
	y := &yard{T: t}
	log := slog.New(slog.NewTextHandler(&y.log, nil))
	var err error
	y.store, err = sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	y.ok(err)
	t.Cleanup(func() { y.store.Close() })
	y.device = data.Device{Name: "a", UniqueID: "a"}
	y.ok(y.store.CreateDevice(t.Context(), &y.device))
	g := data.Geofence{Name: "yard", Area: "CIRCLE (52.5 13.4, 200)", Attributes: fence}
	if hours != "" {
		c := data.Calendar{Name: "hours", Data: []byte(hours)}
		y.ok(y.store.CreateObject(t.Context(), &c))
		g.CalendarID = c.ID
	}
	y.ok(y.store.CreateObject(t.Context(), &g))
	y.fence = g.ID
	y.ok(y.store.AddLinks(t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: y.device.ID, Property: data.GeofenceKind, PropertyID: g.ID}))
	y.fleet = fleet.New(y.store, log, time.Now)
	y.folder = NewFolder(y.store, y.fleet, log)
	return y
}

func (y *yard) ok(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// report stores one, in the yard or a kilometre away.
func (y *yard) report(at time.Time, inside bool) data.Position {
	y.Helper()
	return y.drive(at, inside, 0)
}

// drive is report with a speed.
func (y *yard) drive(at time.Time, inside bool, knots float64) data.Position {
	y.Helper()
	p := []data.Position{{
		DeviceID: y.device.ID, Protocol: "test", DeviceTime: at, FixTime: at, ServerTime: at, Valid: true, Latitude: 52.5, Longitude: 13.4,
		SpeedKnots: knots,
	}}
	if !inside {
		p[0].Latitude += 0.01
	}
	y.ok(y.store.InsertPositions(y.Context(), p, []uint64{p[0].Fingerprint()}, y.folder.Fold))
	return p[0]
}

// events are type and time of those of some types.
func (y *yard) events(types ...string) (out []string) {
	y.Helper()
	y.ok(y.store.EventsBetween(y.Context(), storage.EventFilter{Types: types}, 0, func(e *data.Event) error {
		out = append(out, strings.TrimPrefix(e.Type, "geofence")+" "+e.Time.Format("2 15:04"))
		return nil
	}))
	return out
}

func day(d, hour, minute int) time.Time { return time.Date(2026, 3, d, hour, minute, 0, 0, time.UTC) }

const officeHours = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART:20260302T070000Z\r\nDTEND:20260302T180000Z\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// TestMissing: 6 March 2026 is a Friday, and the calendar is off at the weekend.
func TestMissing(t *testing.T) {
	y := newYard(t, data.Free{"missingAt": "08:00"}, officeHours)
	y.report(day(4, 7, 0), true)
	y.report(day(4, 9, 0), true) // was there on Wednesday
	y.report(day(4, 20, 0), false)
	y.report(day(5, 7, 59), false)
	if have := y.events(data.EventGeofenceMissing); have != nil {
		t.Errorf("before the time: %q", have)
	}
	y.report(day(5, 8, 0), true) // a moment late
	y.report(day(5, 20, 0), false)
	y.report(day(9, 12, 0), true)
	want := []string{"Missing 5 08:00", "Missing 6 08:00", "Missing 9 08:00"}
	if have := y.events(data.EventGeofenceMissing); !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	y.report(day(200, 0, 0), false)
	y.report(day(900, 0, 0), false)
	if n := len(y.events(data.EventGeofenceMissing)); n > len(want)+2*mostMissed {
		t.Errorf("%d events after years of silence", n)
	}
}

// TestHours: what happens outside the hours of a geofence is no event, but the
// device is there all the same.
func TestHours(t *testing.T) {
	y := newYard(t, data.Free{"dwellS": 600.0}, officeHours)
	y.report(day(4, 6, 0), false)
	p := y.report(day(4, 6, 30), true)
	if have := p.Attributes.Get(data.GeofenceIDs).String(); have != fmt.Sprint(y.fence) {
		t.Errorf("geofenceIds %q", have)
	}
	y.report(day(4, 6, 45), true)
	if p := y.report(day(4, 7, 30), false); p.Attributes.Get(data.GeofenceIDs).Kind() != data.KindNone {
		t.Error("still in the geofence")
	}
	y.report(day(4, 8, 0), true)
	y.report(day(4, 8, 30), true)
	want := []string{"Exit 4 07:30", "Enter 4 08:00", "Dwell 4 08:10"}
	if have := y.events(data.EventGeofenceEnter, data.EventGeofenceExit, data.EventGeofenceDwell); !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}

// TestSpeedLimitHours: the speed limit of a geofence holds in its hours, to the
// report.
func TestSpeedLimitHours(t *testing.T) {
	y := newYard(t, data.Free{"speedLimit": 10.0}, officeHours)
	for _, minute := range []int{-20, -10, -1, 5, 10} {
		y.drive(day(4, 7, minute), true, 15)
	}
	y.drive(day(4, 17, 58), true, 15)
	y.drive(day(4, 18, 0), true, 15)
	y.drive(day(7, 12, 0), true, 15) // a Saturday
	var have []string
	y.ok(y.store.EventsBetween(y.Context(), storage.EventFilter{Types: []string{data.EventDeviceOverspeed}}, 0, func(e *data.Event) error {
		have = append(have, e.Time.Format("2 15:04")+" to "+e.End.Format("2 15:04"))
		return nil
	}))
	if want := []string{"4 07:05 to 4 07:10", "4 17:58 to 4 18:00"}; !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}

// TestAddress: places where the device stands are named by its geofences, those
// on the way are not, and what the device says itself counts more.
func TestAddress(t *testing.T) {
	y := newYard(t, nil, "")
	at := day(4, 8, 0)
	next := func(lat, lon, knots float64, own string) string {
		t.Helper()
		at = at.Add(time.Minute)
		p := []data.Position{{
			DeviceID: y.device.ID, Protocol: "test", DeviceTime: at, FixTime: at, ServerTime: at, Valid: true, Latitude: lat, Longitude: lon, SpeedKnots: knots,
		}}
		if own != "" {
			p[0].Attributes.SetString(data.Address, own)
		}
		y.ok(y.store.InsertPositions(y.Context(), p, []uint64{p[0].Fingerprint()}, y.folder.Fold))
		return p[0].Attributes.Get(data.Address).String()
	}
	is := func(have, want string) {
		t.Helper()
		if have != want {
			t.Errorf("have %q, want %q", have, want)
		}
	}
	is(next(52.5, 13.4, 0, ""), "yard")
	is(next(52.5, 13.4, 0, "Main St 5"), "Main St 5")
	for i := range 10 { // 1.1 km a minute to the north, until it counts as a trip
		have := next(52.5+0.01*float64(i+1), 13.4, 36, "")
		if i > 2 {
			is(have, "")
		}
	}
	for i := range 10 { // back to 300 m north-east of the edge
		have := next(52.503181, 13.405225, 0, "")
		if i > 6 {
			is(have, "yard · 300 m NE")
		}
	}
	y.device.Attributes = data.Free{fleet.AddressKey: 0}
	y.ok(y.store.UpdateDevice(y.Context(), &y.device))
	y.fleet.Forget()
	is(next(52.503181, 13.405225, 0, ""), "")
	y.device.Attributes = data.Free{fleet.AddressKey: 250}
	y.ok(y.store.UpdateDevice(y.Context(), &y.device))
	y.fleet.Forget()
	is(next(52.503181, 13.405225, 0, ""), "")
	is(next(52.5, 13.4, 0, ""), "yard")
}

// TestLateReportOfAThinnedTime leaves what is known of that time as it is, marks
// the report, and says once what to do.
func TestLateReportOfAThinnedTime(t *testing.T) {
	y := newYard(t, nil, "")
	y.report(day(4, 8, 0), true)
	y.report(day(4, 8, 10), false)
	for range 2 {
		late := &data.Position{ID: 99, DeviceID: y.device.ID, DeviceTime: day(4, 8, 5), FixTime: day(4, 8, 5), ServerTime: day(4, 9, 0)}
		found, err := y.folder.Fold(t.Context(), []storage.Arrival{{
			DeviceID: y.device.ID, Thinned: day(4, 9, 0).UnixMilli(), Positions: []*data.Position{late},
		}})
		if err != nil || len(found) != 0 {
			t.Fatalf("found %+v, %v", found, err)
		}
		if have := late.Attributes.Get("filtered").String(); have != "zero" {
			t.Errorf("the mark is %q", have)
		}
	}
	if n := y.folder.LateLeft.Get(); n != 2 {
		t.Errorf("%d reports counted", n)
	}
	if n := strings.Count(y.log.String(), "waymark rebuild trips"); n != 1 {
		t.Errorf("said %d times:\n%s", n, y.log.String())
	}
}

// TestDamagedCheckpoint begins anew rather than holding up what comes.
func TestDamagedCheckpoint(t *testing.T) {
	y := newYard(t, nil, "")
	y.report(day(4, 8, 0), true)
	broken := storage.Findings{DeviceID: y.device.ID}
	s := State{}
	broken.Checkpoints = append(broken.Checkpoints, s.checkpoint())
	broken.Checkpoints[0].Time, broken.Checkpoints[0].State = day(4, 8, 0).UnixMilli(), []byte("nonsense")
	y.ok(y.store.Refold(t.Context(), y.device.ID, func(context.Context, []storage.Arrival) ([]storage.Findings, error) {
		return []storage.Findings{broken}, nil
	}))
	if _, err := Decode(broken.Checkpoints[0]); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("decoding says %v", err)
	}
	for i := range 3 {
		if p := y.report(day(4, 8, 10+i), true); p.Attributes.Get("totalDistance").Kind() == data.KindNone {
			t.Errorf("report %d was not worked out", i)
		}
	}
	if !strings.Contains(y.log.String(), "waymark rebuild trips") {
		t.Errorf("nobody is told:\n%s", y.log.String())
	}
	if done, err := Rebuild(t.Context(), y.store, y.fleet, y.device.ID); err != nil || done.Reports != 4 {
		t.Errorf("rebuilt %+v, %v", done, err)
	}
}

// TestState decodes what it appended, and nothing else.
func TestState(t *testing.T) {
	y := newYard(t, nil, "")
	for i := range 5 {
		y.report(day(4, 8, i), i%2 == 0)
	}
	s, err := Current(t.Context(), y.store, y.fleet, y.device.ID)
	y.ok(err)
	c := s.checkpoint()
	again, err := Decode(c)
	y.ok(err)
	if !bytes.Equal(again.Append(nil), c.State) {
		t.Error("a state changes when it is saved")
	}
	for n := range c.State {
		cut := c
		cut.State = c.State[:n]
		if _, err := Decode(cut); !errors.Is(err, data.ErrInvalid) {
			t.Fatalf("%d of %d bytes: %v", n, len(c.State), err)
		}
	}
	if _, err := Current(t.Context(), y.store, y.fleet, 99); !errors.Is(err, data.ErrNotFound) {
		t.Errorf("no device: %v", err)
	}
}
