package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var deliveryTests = []contractTest{
	{"Deliveries", deliveries},
	{"DeliveriesAreStoredOnce", deliveriesOnce},
	{"DeliveriesThatAreDue", deliveriesDue},
	{"DeliveriesAcknowledged", deliveriesAcknowledged},
	{"DeliveriesLastTold", deliveriesLastTold},
	{"DeliveriesAreBounded", deliveriesBounded},
	{"DeliveriesGo", deliveriesGo},
}

func newDelivery(key string, userID, deviceID int64) data.Delivery {
	return data.Delivery{
		Key: key, UserID: userID, DeviceID: deviceID, EventID: 5, NotificationID: 6, EventType: data.EventAlarm, EventTime: at(1),
		Channel: data.ChannelMail, Severity: data.SeverityAlarm, Subject: "Ø", Text: "a\nb", Details: []byte(`{"a":1}`),
		State: data.DeliveryQueued, CreatedAt: at(2), DueAt: at(3), ExpiresAt: at(4), ChangedAt: at(2),
	}
}

func addDelivery(t testing.TB, s storage.Store, d data.Delivery) data.Delivery {
	t.Helper()
	one := []data.Delivery{d}
	ok(t, s.AddDeliveries(testContext(t), one))
	return one[0]
}

func stored(t testing.TB, s storage.Store, id int64) data.Delivery {
	t.Helper()
	return get(t, func() (data.Delivery, error) { return s.Delivery(testContext(t), id) })
}

func deliveries(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other, device := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org"), newDevice(t, s, "1")
	ok(t, s.AddDeliveries(ctx, nil))
	a := addDelivery(t, s, newDelivery("a", u.ID, device.ID))
	equal(t, "as it was stored", stored(t, s, a.ID), a)
	b := newDelivery("b", other.ID, 0)
	b.Target, b.Escalation, b.EventID, b.EventTime, b.Details, b.CreatedAt = "77", true, 0, time.Time{}, nil, at(9)
	b = addDelivery(t, s, b)
	b.Details = []byte("{}")
	equal(t, "about no event", stored(t, s, b.ID), b)
	_, err := s.Delivery(ctx, 77)
	wantError(t, "no such delivery", err, data.ErrNotFound)

	ids := func(f storage.DeliveryFilter) (out []int64) {
		for _, d := range get(t, func() ([]data.Delivery, error) { return s.ListDeliveries(ctx, f) }) {
			out = append(out, d.ID)
		}
		return out
	}
	none := []int64(nil)
	for what, test := range map[string]struct {
		f    storage.DeliveryFilter
		want []int64
	}{
		"all, the last first":  {storage.DeliveryFilter{}, []int64{b.ID, a.ID}},
		"of a user":            {storage.DeliveryFilter{UserIDs: []int64{u.ID}}, []int64{a.ID}},
		"of no user":           {storage.DeliveryFilter{UserIDs: []int64{}}, none},
		"of a notification":    {storage.DeliveryFilter{NotificationID: 6}, []int64{b.ID, a.ID}},
		"of another":           {storage.DeliveryFilter{NotificationID: 7}, none},
		"of an event":          {storage.DeliveryFilter{EventID: 5}, []int64{a.ID}},
		"of a device":          {storage.DeliveryFilter{DeviceID: device.ID}, []int64{a.ID}},
		"from":                 {storage.DeliveryFilter{From: at(3)}, []int64{b.ID}},
		"to":                   {storage.DeliveryFilter{To: at(2)}, []int64{a.ID}},
		"limited":              {storage.DeliveryFilter{Limit: 1}, []int64{b.ID}},
		"the page after a row": {storage.DeliveryFilter{Before: b.ID}, []int64{a.ID}},
	} {
		equal(t, what, ids(test.f), test.want)
	}
	bad := newDelivery("\xff", u.ID, 0)
	wantError(t, "a key that is no text", s.AddDeliveries(ctx, []data.Delivery{bad}), data.ErrInvalid)
}

func deliveriesOnce(t *testing.T, s storage.Store) {
	u, device := newUser(t, s, "a@example.org"), newDevice(t, s, "1")
	first := addDelivery(t, s, newDelivery("a", u.ID, device.ID))
	again := newDelivery("a", u.ID, device.ID)
	again.Text = "other"
	many := []data.Delivery{
		again, newDelivery("b", u.ID, device.ID), newDelivery("b", u.ID, device.ID),
		newDelivery("c", 77, 0), newDelivery("d", u.ID, 77),
	}
	ok(t, s.AddDeliveries(testContext(t), many))
	if many[1].ID == 0 {
		t.Error("the new one is left out")
	}
	for i := range many {
		if i != 1 && many[i].ID != 0 {
			t.Errorf("delivery %d: stored as %d", i, many[i].ID)
		}
	}
	equal(t, "the first stays", stored(t, s, first.ID), first)
	all := get(t, func() ([]data.Delivery, error) {
		return s.ListDeliveries(testContext(t), storage.DeliveryFilter{})
	})
	equal(t, "in all", len(all), 2)
}

func deliveriesDue(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	add := func(key, channel string, due int) data.Delivery {
		d := newDelivery(key, u.ID, 0)
		d.Channel, d.DueAt = channel, at(due)
		return addDelivery(t, s, d)
	}
	late, early, other := add("a", data.ChannelMail, 9), add("b", data.ChannelNtfy, 3), add("c", data.ChannelTelegram, 1)
	both := []string{data.ChannelMail, data.ChannelNtfy}
	due := func(channels []string, seconds, limit int) (keys string) {
		for _, d := range get(t, func() ([]data.Delivery, error) { return s.DueDeliveries(ctx, channels, at(seconds), limit) }) {
			keys += d.Key
		}
		return keys
	}
	equal(t, "too early", due(both, 2, 9), "")
	equal(t, "one", due(both, 3, 9), "b")
	equal(t, "both", due(both, 9, 9), "ba")
	equal(t, "limited", due(both, 9, 1), "b")
	equal(t, "of no channel", due([]string{}, 9, 9), "")
	equal(t, "of another channel", due([]string{data.ChannelTelegram}, 9, 9), "c")

	early.State, early.Attempts, early.ChangedAt = data.DeliverySending, 1, at(4)
	ok(t, s.ChangeDelivery(ctx, &early, data.DeliveryQueued))
	equal(t, "one that nobody has ended", due(both, 9, 9), "ba")
	wantError(t, "in another state", s.ChangeDelivery(ctx, &early, data.DeliveryQueued), data.ErrConflict)
	early.State, early.Error = data.DeliverySent, "once it failed"
	ok(t, s.ChangeDelivery(ctx, &early, data.DeliveryQueued, data.DeliverySending))
	equal(t, "changed", stored(t, s, early.ID), early)
	equal(t, "sent", due(both, 9, 9), "a")
	late.DueAt = at(20)
	ok(t, s.ChangeDelivery(ctx, &late, data.DeliveryQueued))
	equal(t, "put off", due(both, 9, 9), "")
	other.ID = 77
	wantError(t, "no such delivery", s.ChangeDelivery(ctx, &other, data.DeliveryQueued), data.ErrConflict)
}

func deliveriesAcknowledged(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	add := func(key string, change func(d *data.Delivery)) data.Delivery {
		d := newDelivery(key, u.ID, 0)
		change(&d)
		return addDelivery(t, s, d)
	}
	mail := add("a", func(*data.Delivery) {})
	same := add("b", func(d *data.Delivery) { d.UserID, d.Channel = other.ID, data.ChannelTelegram })
	escalation := add("c", func(d *data.Delivery) { d.Escalation = true })
	sent := add("d", func(d *data.Delivery) { d.Escalation, d.State = true, data.DeliverySent })
	another := add("e", func(d *data.Delivery) { d.EventID = 9 })
	test1 := add("f", func(d *data.Delivery) { d.EventID, d.NotificationID = 0, 0 })
	test2 := add("g", func(d *data.Delivery) { d.EventID, d.NotificationID = 0, 0 })
	state := func(what string, d data.Delivery, seconds int, by int64, want data.DeliveryState) {
		t.Helper()
		if seconds > 0 {
			d.AcknowledgedAt = at(seconds)
		}
		if d.State != want {
			d.ChangedAt = at(50)
		}
		d.AcknowledgedBy, d.State = by, want
		equal(t, what, stored(t, s, d.ID), d)
	}
	ok(t, s.AcknowledgeDelivery(ctx, mail.ID, other.ID, at(50)))
	state("itself", mail, 50, other.ID, data.DeliveryQueued)
	state("the same by another channel", same, 50, other.ID, data.DeliveryQueued)
	state("an escalation that waits", escalation, 50, other.ID, data.DeliveryCancelled)
	state("an escalation that was sent", sent, 50, other.ID, data.DeliverySent)
	state("another event", another, 0, 0, data.DeliveryQueued)
	ok(t, s.AcknowledgeDelivery(ctx, same.ID, u.ID, at(60)))
	state("the first one counts", mail, 50, other.ID, data.DeliveryQueued)
	ok(t, s.AcknowledgeDelivery(ctx, test1.ID, u.ID, at(60)))
	state("about no event", test1, 60, u.ID, data.DeliveryQueued)
	state("nothing to do with it", test2, 0, 0, data.DeliveryQueued)
	wantError(t, "no such delivery", s.AcknowledgeDelivery(ctx, 77, u.ID, at(60)), data.ErrNotFound)
}

func deliveriesLastTold(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, device, other := newUser(t, s, "a@example.org"), newDevice(t, s, "1"), newDevice(t, s, "2")
	for i, seconds := range []int{10, 20, 40} {
		d := newDelivery(fmt.Sprint("k", i), u.ID, device.ID)
		d.EventID, d.EventTime = int64(i+1), at(seconds)
		addDelivery(t, s, d)
	}
	for _, test := range []struct {
		notification, device, except int64
		at, want                     int
	}{
		{6, device.ID, 0, 11, 10},
		{6, device.ID, 0, 19, 20},
		{6, device.ID, 0, 5, 10},
		{6, device.ID, 0, 90, 40},
		{6, device.ID, 0, 20, 20},
		{6, device.ID, 2, 20, 10},
		{6, device.ID, 3, 90, 20},
		{7, device.ID, 0, 11, -1},
		{6, other.ID, 0, 11, -1},
	} {
		want := time.Time{}
		if test.want >= 0 {
			want = at(test.want)
		}
		have := get(t, func() (time.Time, error) {
			return s.LastTold(ctx, test.notification, test.device, test.except, at(test.at))
		})
		equal(t, fmt.Sprint(test), have, want)
	}
}

func deliveriesBounded(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	many := make([]data.Delivery, data.MaxWaitingDeliveries+1)
	for i := range many {
		many[i] = newDelivery(fmt.Sprint("k", i), u.ID, 0)
	}
	ok(t, s.AddDeliveries(ctx, many))
	equal(t, "the last that waits", stored(t, s, many[len(many)-2].ID).State, data.DeliveryQueued)
	last := many[len(many)-1]
	equal(t, "one too many", last.State, data.DeliveryFailed)
	equal(t, "as it is stored", stored(t, s, last.ID), last)
	if last.Error == "" {
		t.Error("it does not say why")
	}
	telegram := newDelivery("telegram", u.ID, 0)
	telegram.Channel = data.ChannelTelegram
	equal(t, "another channel", addDelivery(t, s, telegram).State, data.DeliveryQueued)
	equal(t, "another user", addDelivery(t, s, newDelivery("other", other.ID, 0)).State, data.DeliveryQueued)
}

func deliveriesGo(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other, device := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org"), newDevice(t, s, "1")
	sent := func(key string, userID, deviceID int64, created int) data.Delivery {
		d := newDelivery(key, userID, deviceID)
		d.State, d.CreatedAt = data.DeliverySent, at(created)
		return addDelivery(t, s, d)
	}
	gone := func(what string, d data.Delivery) {
		t.Helper()
		_, err := s.Delivery(ctx, d.ID)
		wantError(t, what, err, data.ErrNotFound)
	}
	old, young := sent("a", u.ID, 0, 1), sent("b", u.ID, 0, 5)
	waiting := addDelivery(t, s, newDelivery("c", u.ID, 0))
	ofDevice, ofOther := sent("d", u.ID, device.ID, 9), sent("e", other.ID, 0, 9)
	ok(t, s.DeleteDeliveries(ctx, at(5)))
	gone("an old one", old)
	stored(t, s, young.ID)
	stored(t, s, waiting.ID)
	ok(t, s.DeleteDevice(ctx, device.ID))
	gone("that of a device that is gone", ofDevice)
	ok(t, s.DeleteUser(ctx, other.ID))
	gone("that of a user who is gone", ofOther)
}
