package reporting

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/report"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// office is a server whose reports are looked after.
type office struct {
	t     *testing.T
	store storage.Store
	now   time.Time
	*Service

	down error
	got  []mail.Message
}

func (o *office) Send(_ context.Context, m mail.Message) error {
	if o.down != nil {
		return o.down
	}
	o.got = append(o.got, m)
	return nil
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "waymark.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	// The day before the night in which clocks go forward in Berlin, noon.
	o := &office{t: t, store: s, now: time.Date(2026, 3, 28, 11, 0, 0, 0, time.UTC)}
	o.restart(s)
	return o
}

// restart begins anew with what is stored.
func (o *office) restart(s storage.Store) {
	clock := func() time.Time { return o.now }
	o.Service = New(Deps{
		Store: s, Access: access.New(s, clock), Mail: o, Now: clock, Log: slog.New(slog.DiscardHandler),
		Maker: &report.Maker{Store: s, Fleet: fleet.New(s, slog.New(slog.DiscardHandler), clock), Now: clock},
	})
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) user(name string) data.User {
	o.t.Helper()
	u := data.User{Name: name, Email: name + "@example.org", PasswordHash: "x", DeviceLimit: data.NoLimit, Attributes: map[string]any{"timezone": "Europe/Berlin"}}
	o.must(o.store.CreateUser(o.t.Context(), &u))
	return u
}

func (o *office) device(name string, u data.User) data.Device {
	o.t.Helper()
	d := data.Device{Name: name, UniqueID: name}
	o.must(o.store.CreateDevice(o.t.Context(), &d))
	if u.ID != 0 {
		o.link(data.UserKind, u.ID, data.DeviceKind, d.ID)
	}
	return d
}

func (o *office) link(owner data.ObjectKind, ownerID int64, property data.ObjectKind, id int64) {
	o.t.Helper()
	o.must(o.store.AddLinks(o.t.Context(), data.Link{Owner: owner, OwnerID: ownerID, Property: property, PropertyID: id}))
}

const daily = "DTSTART:20260301T060000\r\nDTEND:20260301T070000\r\nRRULE:FREQ=DAILY"

func file(event string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n" + event + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
}

// report makes one at six in the morning, for users.
func (o *office) report(users ...data.User) *data.ScheduledReport {
	o.t.Helper()
	c := &data.Calendar{Name: "mornings", Data: file(daily)}
	o.must(o.store.CreateObject(o.t.Context(), c))
	r := &data.ScheduledReport{Type: "devices", Description: "every morning", CalendarID: c.ID}
	o.must(o.store.CreateObject(o.t.Context(), r))
	for _, u := range users {
		o.link(data.UserKind, u.ID, data.ReportKind, r.ID)
	}
	return r
}

// pass lets time go by, and looks after reports.
func (o *office) pass(d time.Duration) {
	o.t.Helper()
	o.now = o.now.Add(d)
	o.must(o.sendDue(o.t.Context()))
}

// want looks at the mails since the last time: "who: name of the file".
func (o *office) want(mails ...string) {
	o.t.Helper()
	var got []string
	for _, m := range o.got {
		got = append(got, m.To[:strings.Index(m.To, "@")]+": "+strings.TrimPrefix(m.Subject, "Report: "))
	}
	if o.got = nil; !slices.Equal(got, mails) {
		o.t.Fatalf("mails are %q, want %q", got, mails)
	}
}

func (o *office) runs() []data.ReportRun {
	o.t.Helper()
	runs, err := o.store.ReportRuns(o.t.Context(), 0)
	o.must(err)
	return runs
}

func TestSchedule(t *testing.T) {
	o := newOffice(t)
	ann := o.user("ann")
	o.device("Van", ann)
	o.report(ann)
	o.pass(0)
	o.pass(time.Hour)
	o.want() // it counts from now on
	// From six to six on the wall, which are 23 hours.
	o.pass(16 * time.Hour) // 04:00 UTC
	o.want("ann: devices Van 2026-03-28 2026-03-29")
	if run := o.runs()[0]; !run.Until.Equal(o.now) || !run.SentAt.Equal(o.now) || run.Attempts != 0 {
		t.Errorf("the run is %+v", run)
	}
	o.pass(time.Minute)
	o.want()
	// A restart repeats nothing, and what was missed comes after it.
	o.restart(o.store)
	o.pass(0)
	o.want()
	o.restart(o.store)
	o.pass(49 * time.Hour)
	o.want("ann: devices Van 2026-03-29 2026-03-30", "ann: devices Van 2026-03-30 2026-03-31")
}

func TestScheduleRetries(t *testing.T) {
	o := newOffice(t)
	ann, bob := o.user("ann"), o.user("bob")
	o.device("Van", ann)
	o.report(ann, bob)
	o.pass(0)
	o.down = data.ErrUnavailable
	o.pass(17 * time.Hour)
	if runs := o.runs(); runs[0].Attempts != 1 || runs[0].Error == "" || !runs[0].NextAt.Equal(o.now.Add(firstRetry)) {
		t.Errorf("after a failure the runs are %+v", runs)
	}
	o.pass(firstRetry / 2) // not yet
	o.pass(firstRetry)
	if run := o.runs()[0]; run.Attempts != 2 || !run.NextAt.Equal(o.now.Add(2*firstRetry)) {
		t.Errorf("after two failures the run is %+v", run)
	}
	o.down = nil
	o.pass(time.Hour)
	o.want("ann: devices Van 2026-03-28 2026-03-29", "bob: devices 2026-03-28 2026-03-29")
	if run := o.runs()[0]; run.Attempts != 0 || run.Error != "" || !run.NextAt.IsZero() {
		t.Errorf("after all it is %+v", run)
	}
	// What no other try helps is told, and not tried again; the next period is.
	bob.Disabled = true
	o.must(o.store.UpdateUser(t.Context(), &bob))
	o.pass(24 * time.Hour)
	o.want("ann: devices Van 2026-03-29 2026-03-30")
	if run := o.runs()[1]; run.Error == "" || !run.NextAt.IsZero() {
		t.Errorf("of a disabled account it is %+v", run)
	}
	o.pass(time.Hour)
	bob.Disabled = false
	o.must(o.store.UpdateUser(t.Context(), &bob))
	o.pass(24 * time.Hour)
	o.want("ann: devices Van 2026-03-30 2026-03-31", "bob: devices 2026-03-30 2026-03-31")
	// After many tries the period is given up.
	o.down = data.ErrUnavailable
	for range maxAttempts + 1 {
		o.pass(lastRetry)
	}
	o.pass(24 * time.Hour)
	o.down = nil
	o.pass(lastRetry)
	if n := len(o.got); n != 2 {
		t.Errorf("%d mails came after the first period was given up", n)
	}
}

func TestScheduleShowsWhatOneSees(t *testing.T) {
	o := newOffice(t)
	ann, bob := o.user("ann"), o.user("bob")
	van, truck := o.device("Van", ann), o.device("Truck", bob)
	o.device("Third", ann)
	r := o.report(ann, bob)
	o.link(data.DeviceKind, van.ID, data.ReportKind, r.ID)
	o.pass(0)
	o.pass(24 * time.Hour)
	o.want("ann: devices Van 2026-03-28 2026-03-29") // not the third, and nothing for bob
	if run := o.runs()[1]; !strings.Contains(run.Error, "none of the devices") {
		t.Errorf("the run of who sees nothing is %+v", run)
	}
	o.link(data.DeviceKind, truck.ID, data.ReportKind, r.ID)
	o.pass(24 * time.Hour)
	for _, m := range o.got {
		content := m.Attachments[0].Content
		z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		o.must(err)
		f, err := z.Open("xl/worksheets/sheet1.xml")
		o.must(err)
		cells, err := io.ReadAll(f)
		o.must(err)
		if ann := strings.HasPrefix(m.To, "ann"); bytes.Contains(cells, []byte(">Van<")) != ann || bytes.Contains(cells, []byte(">Truck<")) == ann {
			t.Errorf("%s is sent %s", m.To, cells)
		}
	}
	o.want("ann: devices Van 2026-03-29 2026-03-30", "bob: devices Truck 2026-03-29 2026-03-30")
	// Who loses a device has it in no report any more.
	o.must(o.store.RemoveLinks(t.Context(), data.Link{Owner: data.UserKind, OwnerID: ann.ID, Property: data.DeviceKind, PropertyID: van.ID}))
	o.restart(o.store)
	o.pass(24 * time.Hour)
	o.want("bob: devices Truck 2026-03-30 2026-03-31")
}

// forgetful is a store that does not take what was sent.
type forgetful struct {
	storage.Store
	broken bool
}

func (f *forgetful) PutReportRun(ctx context.Context, r data.ReportRun) error {
	if f.broken {
		return errors.New("the machine has stopped")
	}
	return f.Store.PutReportRun(ctx, r)
}

// TestScheduleAfterACrash: between sending and writing it down, a mail comes
// twice, as the same mail.
func TestScheduleAfterACrash(t *testing.T) {
	o := newOffice(t)
	ann := o.user("ann")
	o.report(ann)
	o.pass(0)
	f := &forgetful{o.store, true}
	o.restart(f)
	o.now = o.now.Add(24 * time.Hour)
	if err := o.sendDue(t.Context()); err == nil {
		t.Error("nobody hears that it was not written down")
	}
	f.broken = false
	o.pass(0)
	if len(o.got) != 2 || o.got[0].ID == "" || o.got[0].ID != o.got[1].ID {
		t.Errorf("mails are %+v", o.got)
	}
	o.pass(time.Hour)
	if len(o.got) != 2 {
		t.Error("it comes again")
	}
}

func TestPrevious(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]time.Time{
		daily: time.Date(2026, 3, 29, 6, 0, 0, 0, berlin),
		"DTSTART:20260102T060000\r\nDTEND:20260102T070000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO":       time.Date(2026, 3, 23, 6, 0, 0, 0, berlin),
		"DTSTART:20260130T060000\r\nDTEND:20260130T070000\r\nRRULE:FREQ=MONTHLY;BYMONTHDAY=30": time.Date(2026, 1, 30, 6, 0, 0, 0, berlin),
		"DTSTART:20260330T060000\r\nDTEND:20260330T070000\r\nRRULE:FREQ=DAILY;INTERVAL=3":      time.Date(2026, 3, 27, 5, 0, 0, 0, berlin),
		"DTSTART:20260330T060000\r\nDTEND:20260330T070000":                                     time.Date(2026, 3, 29, 6, 0, 0, 0, berlin),
		"DTSTART:20250330T060000\r\nDTEND:20250330T070000\r\nRRULE:FREQ=YEARLY":                time.Date(2025, 3, 30, 6, 0, 0, 0, berlin),
	} {
		c, err := calendar.ParseIn(file(event), berlin)
		if err != nil {
			t.Fatal(err)
		}
		if got := previous(c, time.Date(2026, 3, 30, 6, 0, 0, 0, berlin)); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", event, got.In(berlin), want)
		}
	}
}

func TestTooLargeForAMail(t *testing.T) {
	var l limited
	for range maxAttachment >> 20 {
		if _, err := l.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Write([]byte{1}); !errors.Is(err, errTooLarge) || retriable(err) {
		t.Errorf("one more: %v", err)
	}
	if !retriable(fmt.Errorf("x: %w", data.ErrUnavailable)) {
		t.Error("an outage is not tried again")
	}
}
