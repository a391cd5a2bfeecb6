package bot

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/tgfake"
)

// deliver puts a message for a person into the outbox.
func (w *world) deliver(key string, p tgfake.Person, u data.User, d data.Device, change func(*data.Delivery)) data.Delivery {
	w.Helper()
	now := time.Now()
	one := []data.Delivery{{
		Key: key, UserID: u.ID, DeviceID: d.ID, EventID: 5, NotificationID: 6, EventType: data.EventAlarm, EventTime: now,
		Channel: data.ChannelTelegram, Target: strconv.FormatInt(p.ID, 10), Severity: data.SeverityAlarm,
		Subject: d.Name + ": SOS", Text: "12:03 · <64> km/h\nMain St", State: data.DeliveryQueued,
		CreatedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour), ChangedAt: now,
	}}
	if change != nil {
		change(&one[0])
	}
	if err := w.store.AddDeliveries(w.Context(), one); err != nil {
		w.Fatal(err)
	}
	return one[0]
}

// ended waits until a delivery is in a state; the time in the bubble flies.
func (w *world) ended(d data.Delivery, want data.DeliveryState) data.Delivery {
	w.Helper()
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		have, err := w.store.Delivery(w.Context(), d.ID)
		if err != nil {
			w.Fatal(err)
		}
		if have.State == want {
			return have
		}
		if time.Now().After(deadline) {
			w.Fatalf("delivery %s is %s, want %s: %s", d.Key, have.State, want, have.Error)
		}
	}
}

func TestDeliveries(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.user("Anna", false)
		w.link(anna, u)
		w.say(anna, "/help")
		truck := w.device("Truck <7>", u)
		alarm := w.deliver("a", anna, u, truck, nil)
		m := w.tg.Next(anna.ID)
		if want := "🔴 <b>Truck &lt;7&gt;: SOS</b>\n12:03 · &lt;64&gt; km/h\nMain St"; m.Markup != want {
			w.Errorf("the bot said %q, want %q", m.Markup, want)
		}
		if got := strings.Join(labels(m), "|"); got != "✓ Seen|📍 Map" {
			w.Errorf("buttons %s", got)
		}
		w.ended(alarm, data.DeliverySent)
		seen := w.tap(anna, m, "✓ Seen")
		w.wantText(seen, "SOS", "✓ Acknowledged")
		if have, err := w.store.Delivery(w.Context(), alarm.ID); err != nil || have.AcknowledgedBy != u.ID || have.AcknowledgedAt.IsZero() {
			w.Errorf("not acknowledged: %+v, %v", have, err)
		}

		info := w.deliver("b", anna, u, truck, func(d *data.Delivery) { d.Severity = data.SeverityInfo })
		w.tg.Next(anna.ID)
		w.ended(info, data.DeliverySent)
		calls := w.tg.Calls("sendMessage")[1:] // after the help
		if first, last := calls[0].Params["disable_notification"], calls[len(calls)-1].Params["disable_notification"]; first != "" || last != "true" {
			w.Errorf("silent: the alarm %q, the info %q", first, last)
		}
		w.silent(anna.ID)
	})
}

// Nobody is told who may no longer be told.
func TestDeliveriesThatMayNotBeSent(t *testing.T) {
	inWorld(t, func(w *world) {
		u, other := w.user("Anna", false), w.user("Other", false)
		w.link(anna, u)
		w.say(anna, "/help")
		w.say(bert, "/help")
		truck, foreign := w.device("Truck", u), w.device("Foreign", other)
		for key, test := range map[string]struct {
			change func(*data.Delivery)
			want   string
		}{
			"foreign":  {func(d *data.Delivery) { d.DeviceID = foreign.ID }, "no longer see the device"},
			"other":    {func(d *data.Delivery) { d.UserID, d.DeviceID = other.ID, 0 }, "no longer connected"},
			"unlinked": {func(d *data.Delivery) { d.Target = "999" }, "no longer connected"},
			"nonsense": {func(d *data.Delivery) { d.Target = "me" }, "no Telegram account"},
			"late":     {func(d *data.Delivery) { d.ExpiresAt = d.CreatedAt }, "not sent in time"},
		} {
			d := w.deliver(key, anna, u, truck, test.change)
			if have := w.ended(d, data.DeliveryFailed); !strings.Contains(have.Error, test.want) {
				w.Errorf("%s: %q", key, have.Error)
			}
		}
		w.silent(anna.ID)
		d := w.deliver("ack", anna, u, truck, nil)
		m := w.tg.Next(anna.ID)
		w.ended(d, data.DeliverySent)
		w.link(bert, other)
		w.tg.TapData(bert, m, "\fack|"+strconv.FormatInt(d.ID, 36))
		w.tg.Settle()
		if have, err := w.store.Delivery(w.Context(), d.ID); err != nil || !have.AcknowledgedAt.IsZero() {
			w.Errorf("somebody else acknowledged it: %+v, %v", have, err)
		}
	})
}

// What Telegram does not take now is sent later; what it refuses is not.
func TestDeliveriesAreSentAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.user("Anna", false)
		w.link(anna, u)
		w.say(anna, "/help")
		truck := w.device("Truck", u)
		w.tg.Inject(tgfake.Fault{Method: "sendMessage", Times: 20, Status: 502, Body: "<html>bad gateway</html>"})
		d := w.deliver("a", anna, u, truck, nil)
		if have := w.ended(d, data.DeliverySent); have.Error != "" || have.Attempts < 2 {
			w.Errorf("sent after %d tries, with the error %q", have.Attempts, have.Error)
		}
		w.wantText(w.tg.Next(anna.ID), "SOS")
		w.tg.Block(anna, true)
		blocked := w.deliver("b", anna, u, truck, nil)
		if have := w.ended(blocked, data.DeliveryFailed); have.Attempts != 1 || !strings.Contains(have.Error, "blocked") {
			w.Errorf("blocked: %d tries, %q", have.Attempts, have.Error)
		}
	})
}

// A bot that ends and starts again sends everything, once where it was not
// interrupted.
func TestDeliveriesOutliveTheBot(t *testing.T) {
	inStoppedWorld(t, func(w *world) {
		u := w.user("Anna", false)
		w.link(anna, u)
		truck := w.device("Truck", u)
		w.start()
		w.say(anna, "/help")
		w.stop()
		const n = 30
		for i := range n {
			w.deliver(fmt.Sprint("k", i), anna, u, truck, func(d *data.Delivery) { d.Subject = fmt.Sprintf("number %d.", i) })
		}
		count := func() (sent int) {
			for _, m := range w.tg.Messages(anna.ID) {
				if strings.Contains(m.Text, "number ") {
					sent++
				}
			}
			return sent
		}
		for count() < n {
			w.start()
			before := count()
			w.tg.Await("some messages", func() bool { return count() > before+3 || count() >= n })
			w.stop()
		}
		for i := range n {
			got := 0
			for _, m := range w.tg.Messages(anna.ID) {
				if strings.Contains(m.Text, fmt.Sprintf("number %d.", i)) {
					got++
				}
			}
			if got != 1 {
				w.Errorf("message %d came %d times", i, got)
			}
		}
	})
}
