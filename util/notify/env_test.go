package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "time/tzdata" // the zones of these tests, wherever they run

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// noon is the time in the tests that do not say otherwise: a Sunday.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// env is a real store with people, devices and rules in it.
type env struct {
	testing.TB
	store storage.Store
	bus   *fakeBus
	mail  *fakeMail
	mu    sync.Mutex
	time  time.Time
	next  int64
}

func newEnv(t testing.TB) *env {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &env{TB: t, store: s, bus: &fakeBus{}, mail: &fakeMail{}, time: noon}
}

func (e *env) now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.time
}

func (e *env) pass(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.time = e.time.Add(d)
}

func (e *env) deps() Deps {
	return Deps{Store: e.store, Bus: e.bus, Log: slog.New(slog.DiscardHandler), Now: e.now, Mail: e.mail, Telegram: func() bool { return true }}
}

func (e *env) notifier() *Notifier {
	e.Helper()
	n, err := New(DefaultConfig(), e.deps())
	e.ok(err)
	return n
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) user(name string, attributes map[string]any) data.User {
	e.Helper()
	u := data.User{Name: name, Email: name + "@example.org", Attributes: attributes}
	e.ok(e.store.CreateUser(e.Context(), &u))
	return u
}

func (e *env) device(name string, users ...data.User) data.Device {
	e.Helper()
	d := data.Device{Name: name, UniqueID: "id-" + name}
	e.ok(e.store.CreateDevice(e.Context(), &d))
	for _, u := range users {
		e.ok(e.store.AddLinks(e.Context(), data.UserDevice(u.ID, d.ID)))
	}
	return d
}

// rule makes a notification of users, for all devices unless change says otherwise.
func (e *env) rule(n data.Notification, users ...data.User) data.Notification {
	e.Helper()
	e.ok(e.store.CreateObject(e.Context(), &n))
	for _, u := range users {
		e.link(data.UserKind, u.ID, data.NotificationKind, n.ID)
	}
	return n
}

func (e *env) link(owner data.ObjectKind, ownerID int64, property data.ObjectKind, id int64) {
	e.Helper()
	e.ok(e.store.AddLinks(e.Context(), data.Link{Owner: owner, OwnerID: ownerID, Property: property, PropertyID: id}))
}

// event stores an event that happens and comes in now.
func (e *env) event(d data.Device, kind string, change ...func(*data.Event)) data.Event {
	e.Helper()
	e.next++
	ev := data.Event{DeviceID: d.ID, Type: kind, Time: e.now(), ServerTime: e.now(), Detail: fmt.Sprint(e.next)}
	for _, f := range change {
		f(&ev)
	}
	list := []data.Event{ev}
	e.ok(e.store.InsertEvents(e.Context(), list))
	return list[0]
}

// tell makes the deliveries of what has happened.
func (e *env) tell(n *Notifier) {
	e.Helper()
	for {
		more, err := n.tell(e.Context())
		e.ok(err)
		if !more {
			return
		}
	}
}

func (e *env) deliveries() []data.Delivery {
	e.Helper()
	list, err := e.store.ListDeliveries(e.Context(), storage.DeliveryFilter{})
	e.ok(err)
	return list
}

// told are who was told what by which channel, in the order of deliveries.
func (e *env) told() (out []string) {
	e.Helper()
	list := e.deliveries()
	for i := len(list) - 1; i >= 0; i-- {
		d := &list[i]
		out = append(out, fmt.Sprintf("%d %s %s", d.UserID, d.Channel, d.Subject))
	}
	return out
}

// sendAll sends what is due, one after the other.
func (e *env) sendAll(n *Notifier) {
	e.Helper()
	due, err := e.store.DueDeliveries(e.Context(), n.Channels(), e.now(), 1000)
	e.ok(err)
	for i := range due {
		if due[i].Channel != data.ChannelTelegram {
			n.send(e.Context(), &due[i])
		}
	}
}

type fakeBus struct {
	mu       sync.Mutex
	notices  []data.Notice
	commands []data.CommandChange
}

func (b *fakeBus) PublishNotice(n data.Notice) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notices = append(b.notices, n)
	return nil
}

func (b *fakeBus) PublishCommand(c data.CommandChange) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands = append(b.commands, c)
	return nil
}

// fakeMail is a mailbox that knows repeats, as mailboxes do.
type fakeMail struct {
	mu   sync.Mutex
	sent []mail.Message
	fail error
}

func (m *fakeMail) Send(_ context.Context, msg mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.sent = append(m.sent, msg)
	return nil
}

var errDown = errors.New("it is down")

func jsonOf(t testing.TB, b []byte) (out map[string]any) {
	t.Helper()
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return out
}
