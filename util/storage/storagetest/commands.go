package storagetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var commandTests = []contractTest{
	{"CommandKeepsEverything", commandKeepsEverything},
	{"CommandSteps", commandSteps},
	{"CommandIsTakenOnce", commandIsTakenOnce},
	{"CommandExpiry", commandExpiry},
	{"CommandLimits", commandLimits},
	{"CommandList", commandList},
	{"CommandGoesWithDevice", commandGoesWithDevice},
}

var auditTests = []contractTest{{"Audit", audit}}

func queue(t testing.TB, s storage.Store, deviceID int64, kind string) data.QueuedCommand {
	t.Helper()
	c := data.QueuedCommand{DeviceID: deviceID, UserID: 5, Type: kind, CreatedAt: at(0), ExpiresAt: at(3600)}
	ok(t, s.QueueCommand(testContext(t), &c))
	return c
}

func command(t testing.TB, s storage.Store, id int64) data.QueuedCommand {
	t.Helper()
	return get(t, func() (data.QueuedCommand, error) { return s.Command(testContext(t), id) })
}

var queued = []data.CommandState{data.CommandQueued}

func commandKeepsEverything(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "a")
	c := data.QueuedCommand{
		DeviceID: d.ID, UserID: 9, Type: "custom", AfterReport: true, InterlockKmh: 20.5, CreatedAt: at(1), ExpiresAt: at(2),
		Attributes: data.Attributes{{Key: "data", Value: data.String("Ünal 🧭\n")}, {Key: "n", Value: data.Int(3)}, {Key: "x", Value: data.Float(1.5)}, {Key: "on", Value: data.Bool(true)}},
	}
	ok(t, s.QueueCommand(ctx, &c))
	if c.ID <= 0 || c.State != data.CommandQueued || !c.ChangedAt.Equal(at(1)) {
		t.Fatalf("queued as %+v", c)
	}
	equal(t, "by id", command(t, s, c.ID), c)
	plain := queue(t, s, d.ID, "reboot")
	equal(t, "without anything", command(t, s, plain.ID), plain)
	_, err := s.Command(ctx, 77)
	wantError(t, "missing", err, data.ErrNotFound)
	for what, bad := range map[string]data.QueuedCommand{
		"no type":        {DeviceID: d.ID},
		"type with NUL":  {DeviceID: d.ID, Type: "a\x00"},
		"attribute":      {DeviceID: d.ID, Type: "custom", Attributes: data.Attributes{{Key: "data", Value: data.String("\xff")}}},
		"attribute name": {DeviceID: d.ID, Type: "custom", Attributes: data.Attributes{{Key: "a\x00", Value: data.Int(1)}}},
	} {
		wantError(t, what, s.QueueCommand(ctx, &bad), data.ErrInvalid)
	}
	stranger := data.QueuedCommand{DeviceID: 77, Type: "custom"}
	wantError(t, "of no device", s.QueueCommand(ctx, &stranger), data.ErrNotFound)
	equal(t, "id of the one refused", stranger.ID, int64(0))
}

func commandSteps(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	c := queue(t, s, newDevice(t, s, "a").ID, "custom")
	steps := []data.CommandStep{
		{State: data.CommandSent, Time: at(10), Owner: "one"},
		{State: data.CommandQueued, Time: at(11), Text: "the connection was gone"},
		{State: data.CommandSent, Time: at(20), Owner: "two"},
		{State: data.CommandAcknowledged, Time: at(21)},
		{State: data.CommandConfirmed, Time: at(22), Text: "OK"},
	}
	want := []data.CommandStep{{State: data.CommandQueued, Time: at(0)}}
	for i, step := range steps {
		from := want[len(want)-1].State
		changed, err := s.ChangeCommand(ctx, c.ID, []data.CommandState{from}, step)
		ok(t, err)
		ok(t, c.Apply(step))
		equal(t, "changed", changed, c)
		equal(t, "kept", command(t, s, c.ID), c)
		if i == 1 && (!c.SentAt.IsZero() || c.Owner != "") {
			t.Errorf("queued again as %+v", c)
		}
		want = append(want, step)
	}
	equal(t, "steps", get(t, func() ([]data.CommandStep, error) { return s.CommandSteps(ctx, c.ID) }), want)
	_, err := s.ChangeCommand(ctx, c.ID, queued, steps[0])
	wantError(t, "a step from another state", err, data.ErrConflict)
	_, err = s.ChangeCommand(ctx, 77, queued, steps[0])
	wantError(t, "a step of none", err, data.ErrNotFound)
	long := queue(t, s, c.DeviceID, "custom")
	changed, err := s.ChangeCommand(ctx, long.ID, queued, data.CommandStep{State: data.CommandFailed, Time: at(1), Text: string(make([]byte, 2*data.MaxCommandResult)) + "\xff"})
	ok(t, err)
	if len(changed.Text) > data.MaxCommandResult || command(t, s, long.ID).Text != changed.Text {
		t.Errorf("a text of %d bytes", len(changed.Text))
	}
}

// commandIsTakenOnce lets many take the same commands.
func commandIsTakenOnce(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "a")
	var ids []int64
	for range 10 {
		ids = append(ids, queue(t, s, d.ID, "engineStop").ID)
	}
	var mu sync.Mutex
	taken := map[int64]int{}
	var done sync.WaitGroup
	for range 6 {
		done.Go(func() {
			for _, id := range ids {
				_, err := s.ChangeCommand(ctx, id, queued, data.CommandStep{State: data.CommandSent, Time: at(1), Owner: "x"})
				if err == nil {
					mu.Lock()
					taken[id]++
					mu.Unlock()
				} else if !errors.Is(err, data.ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	for _, id := range ids {
		if taken[id] != 1 {
			t.Errorf("command %d was taken %d times", id, taken[id])
		}
	}
}

func commandExpiry(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d := newDevice(t, s, "a")
	late, sent, answered, done := queue(t, s, d.ID, "a"), queue(t, s, d.ID, "b"), queue(t, s, d.ID, "c"), queue(t, s, d.ID, "d")
	step := func(id int64, state data.CommandState, at time.Time) error {
		_, err := s.ChangeCommand(ctx, id, data.OpenCommandStates, data.CommandStep{State: state, Time: at})
		return err
	}
	ok(t, step(sent.ID, data.CommandSent, at(3599)))
	ok(t, step(answered.ID, data.CommandSent, at(10)))
	ok(t, step(answered.ID, data.CommandAcknowledged, at(11)))
	ok(t, step(done.ID, data.CommandCancelled, at(10)))
	equal(t, "too early", len(get(t, func() ([]data.QueuedCommand, error) { return s.ExpireCommands(ctx, at(3599)) })), 0)
	wantError(t, "sent too late", step(late.ID, data.CommandSent, at(3600)), data.ErrConflict)
	ended := get(t, func() ([]data.QueuedCommand, error) { return s.ExpireCommands(ctx, at(3600)) })
	equal(t, "expired", ids(ended, func(c *data.QueuedCommand) int64 { return c.ID }), []int64{late.ID, answered.ID})
	for i := range ended {
		if ended[i].State != data.CommandExpired || ended[i].Text == "" || !ended[i].ChangedAt.Equal(at(3600)) {
			t.Errorf("expired as %+v", ended[i])
		}
		equal(t, "kept", command(t, s, ended[i].ID), ended[i])
	}
	equal(t, "one sent late waits for its answer", command(t, s, sent.ID).State, data.CommandSent)
	equal(t, "the devices", get(t, func() ([]int64, error) { return s.OpenCommandDevices(ctx) }), []int64{d.ID})
	late2 := at(3599).Add(data.CommandAnswerTime)
	equal(t, "and expires then", len(get(t, func() ([]data.QueuedCommand, error) { return s.ExpireCommands(ctx, late2) })), 1)
	equal(t, "no devices", len(get(t, func() ([]int64, error) { return s.OpenCommandDevices(ctx) })), 0)
	steps := get(t, func() ([]data.CommandStep, error) { return s.CommandSteps(ctx, late.ID) })
	equal(t, "steps", steps, []data.CommandStep{{State: data.CommandQueued, Time: at(0)}, late.Expiry(at(3600))})
}

func commandLimits(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d, other := newDevice(t, s, "a"), newDevice(t, s, "b")
	var first int64
	for range data.MaxQueuedCommands {
		if c := queue(t, s, d.ID, "custom"); first == 0 {
			first = c.ID
		}
	}
	c := data.QueuedCommand{DeviceID: d.ID, Type: "custom", CreatedAt: at(0), ExpiresAt: at(3600)}
	wantError(t, "one more", s.QueueCommand(ctx, &c), data.ErrConflict)
	queue(t, s, other.ID, "custom")
	_, err := s.ChangeCommand(ctx, first, queued, data.CommandStep{State: data.CommandCancelled, Time: at(1)})
	ok(t, err)
	ok(t, s.QueueCommand(ctx, &c))
}

func commandList(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newDevice(t, s, "a"), newDevice(t, s, "b")
	one, two, three := queue(t, s, a.ID, "one"), queue(t, s, b.ID, "two"), queue(t, s, a.ID, "three")
	_, err := s.ChangeCommand(ctx, one.ID, queued, data.CommandStep{State: data.CommandFailed, Time: at(1)})
	ok(t, err)
	for what, c := range map[string]struct {
		f    storage.CommandFilter
		want []int64
	}{
		"all":            {storage.CommandFilter{}, []int64{one.ID, two.ID, three.ID}},
		"of a device":    {storage.CommandFilter{DeviceIDs: []int64{a.ID}}, []int64{one.ID, three.ID}},
		"of no device":   {storage.CommandFilter{DeviceIDs: []int64{}}, nil},
		"queued":         {storage.CommandFilter{States: queued}, []int64{two.ID, three.ID}},
		"failed, queued": {storage.CommandFilter{States: []data.CommandState{data.CommandFailed, data.CommandQueued}, DeviceIDs: []int64{a.ID}}, []int64{one.ID, three.ID}},
		"newest":         {storage.CommandFilter{Newest: true, Limit: 2}, []int64{three.ID, two.ID}},
		"second page":    {storage.CommandFilter{Limit: 2, Offset: 2}, []int64{three.ID}},
	} {
		have := get(t, func() ([]data.QueuedCommand, error) { return s.ListCommands(ctx, c.f) })
		equal(t, what, ids(have, func(c *data.QueuedCommand) int64 { return c.ID }), c.want)
	}
	equal(t, "devices", get(t, func() ([]int64, error) { return s.OpenCommandDevices(ctx) }), []int64{a.ID, b.ID})
}

func commandGoesWithDevice(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	d, u := newDevice(t, s, "a"), newUser(t, s, "a@example.org")
	c := data.QueuedCommand{DeviceID: d.ID, UserID: u.ID, Type: "custom", CreatedAt: at(0), ExpiresAt: at(1)}
	ok(t, s.QueueCommand(ctx, &c))
	ok(t, s.DeleteUser(ctx, u.ID))
	equal(t, "outlives its user", command(t, s, c.ID), c)
	ok(t, s.DeleteDevice(ctx, d.ID))
	_, err := s.Command(ctx, c.ID)
	wantError(t, "the command", err, data.ErrNotFound)
	equal(t, "its steps", len(get(t, func() ([]data.CommandStep, error) { return s.CommandSteps(ctx, c.ID) })), 0)
}

func audit(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	list := func(f storage.AuditFilter) []data.AuditEntry {
		t.Helper()
		return get(t, func() ([]data.AuditEntry, error) { return s.ListAudit(ctx, f) })
	}
	entries := []data.AuditEntry{
		{Time: at(1), UserID: 3, Address: "192.0.2.1", Action: "send", ObjectType: "command", ObjectID: 7, Attributes: map[string]any{"type": "engineStop", "forced": true}},
		{Time: at(2), UserID: 4, Action: "cancel", ObjectType: "command", ObjectID: 8},
		{Time: at(3), Action: "delete", ObjectType: "device", ObjectID: 7},
	}
	for i := range entries {
		ok(t, s.RecordAudit(ctx, &entries[i]))
		if entries[i].ID <= 0 {
			t.Fatalf("id is %d", entries[i].ID)
		}
	}
	e := entries
	equal(t, "all", list(storage.AuditFilter{}), []data.AuditEntry{e[2], e[1], e[0]})
	equal(t, "of a time", list(storage.AuditFilter{From: at(2), To: at(2)}), []data.AuditEntry{e[1]})
	equal(t, "of a user", list(storage.AuditFilter{UserID: 3}), []data.AuditEntry{e[0]})
	equal(t, "of an object", list(storage.AuditFilter{ObjectType: "command", ObjectID: 7}), []data.AuditEntry{e[0]})
	equal(t, "the last", list(storage.AuditFilter{Limit: 1}), []data.AuditEntry{e[2]})
	wantError(t, "no text", s.RecordAudit(ctx, &data.AuditEntry{Action: "\xff"}), data.ErrInvalid)
}

// ReleasedCommands is Released for what came with schema 2.
func ReleasedCommands(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	c := data.QueuedCommand{
		ID: 1, DeviceID: 1, UserID: 1, Type: "engineStop", Attributes: data.Attributes{{Key: "force", Value: data.Bool(false)}}, AfterReport: true,
		InterlockKmh: 20.5, State: data.CommandSent, Owner: "tracker-1", CreatedAt: at(-8), SentAt: base, ChangedAt: base, ExpiresAt: at(300),
	}
	equal(t, "command", command(t, s, 1), c)
	equal(t, "steps", get(t, func() ([]data.CommandStep, error) { return s.CommandSteps(ctx, 1) }), []data.CommandStep{
		{State: data.CommandQueued, Time: at(-8)}, {State: data.CommandSent, Time: base, Owner: "tracker-1"},
	})
	saved := []data.SavedCommand{{ID: 1, Type: "custom", Description: "Where?", Attributes: data.Attributes{{Key: "data", Value: data.String("WHERE#")}}}}
	equal(t, "saved", get(t, func() ([]data.SavedCommand, error) {
		return storage.ListObjects[data.SavedCommand](ctx, s, storage.ObjectFilter{})
	}), saved)
	equal(t, "its links", get(t, func() ([]data.Link, error) {
		return s.ListLinks(ctx, storage.LinkFilter{Property: data.CommandKind, PropertyIDs: []int64{1}})
	}), []data.Link{
		{Owner: data.DeviceKind, OwnerID: 2, Property: data.CommandKind, PropertyID: 1},
		{Owner: data.UserKind, OwnerID: 2, Property: data.CommandKind, PropertyID: 1},
	})
	next := newGroup(t, s, "new", 0)
	if next.ID <= 1 {
		t.Errorf("a new object has id %d", next.ID)
	}
	equal(t, "audit", get(t, func() ([]data.AuditEntry, error) { return s.ListAudit(ctx, storage.AuditFilter{}) }), []data.AuditEntry{
		{ID: 1, Time: at(-8), UserID: 1, Address: "192.0.2.1", Action: "send", ObjectType: "command", ObjectID: 1, Attributes: map[string]any{"type": "engineStop"}},
	})
	ended := get(t, func() ([]data.QueuedCommand, error) { return s.ExpireCommands(ctx, at(300)) })
	equal(t, "expired", ids(ended, func(c *data.QueuedCommand) int64 { return c.ID }), []int64{1})
}
