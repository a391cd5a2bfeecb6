package notify

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Announcement is something people are told that no rule is about.
type Announcement struct {
	Subject, Text string
	Severity      string
}

const (
	// announcementLife is how long an announcement is worth to be told.
	announcementLife = 24 * time.Hour
	// testsAMinute bounds what an account may send to itself.
	testsAMinute = 20
)

// TestMessage is what an account gets to see whether messages arrive.
func (n *Notifier) TestMessage(ctx context.Context, u *data.User) (Announcement, error) {
	server, err := n.store.Server(ctx)
	if err != nil {
		return Announcement{}, fmt.Errorf("read server settings: %w", err)
	}
	l := languageOf(u, server)
	return Announcement{Subject: l.test, Text: l.testText, Severity: data.SeverityInfo}, nil
}

// Usable are the channels by which an account can be told something, except
// those that tell nothing to people.
func (n *Notifier) Usable(ctx context.Context, u *data.User) (names []string, err error) {
	for _, name := range n.Channels() {
		if name == data.ChannelCommand {
			continue
		}
		ok, err := n.checkChannel(ctx, u, name, nil)
		if err != nil {
			return nil, err
		}
		if ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// SendNow tells an account something by one channel and waits for it, so that
// an error can be shown; by Telegram it is stored, and the bot sends it. What
// became of it is in the list of deliveries. Errors that the account can do
// something about wrap data.ErrInvalid and are written for people.
func (n *Notifier) SendNow(ctx context.Context, u *data.User, channel string, a Announcement) error {
	if channel == data.ChannelCommand {
		return fmt.Errorf("%w: commands go to devices, not to people", data.ErrInvalid)
	}
	t := new(trace)
	if ok, err := n.checkChannel(ctx, u, channel, t); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%w: %s", data.ErrInvalid, t.list[len(t.list)-1].Text)
	}
	now := n.now().UTC().Truncate(time.Millisecond)
	recent, err := n.store.ListDeliveries(ctx, storage.DeliveryFilter{UserIDs: []int64{u.ID}, From: now.Add(-time.Minute), Limit: testsAMinute * 10})
	if err != nil {
		return err
	}
	if tests := slices.DeleteFunc(recent, func(d data.Delivery) bool { return !strings.HasPrefix(d.Key, "t.") }); len(tests) >= testsAMinute {
		return fmt.Errorf("%w: that were %d messages within a minute, wait a little", data.ErrInvalid, len(tests))
	}
	d := n.announcement(u, channel, a, now)
	d.Key = "t." + rand.Text()
	if channel == data.ChannelTelegram {
		list, err := n.byTelegram(ctx, u, d)
		if err != nil {
			return err
		}
		return n.store.AddDeliveries(ctx, list)
	}
	// It is tried here, once: the loop must not take it, so it is not due.
	d.State, d.Attempts, d.DueAt = data.DeliverySending, 1, d.ExpiresAt
	one := []data.Delivery{d}
	if err := n.store.AddDeliveries(ctx, one); err != nil {
		return err
	}
	if d = one[0]; d.State == data.DeliveryFailed {
		return fmt.Errorf("%w: %s", data.ErrConflict, d.Error)
	}
	err = n.try(ctx, &d)
	d.State, d.Error, d.ChangedAt = data.DeliverySent, "", n.now()
	if err != nil {
		d.State, d.Error = data.DeliveryFailed, err.Error()
	}
	if e := n.store.ChangeDelivery(context.WithoutCancel(ctx), &d, data.DeliverySending); e != nil {
		n.log.Warn("what became of a message is not written down", "delivery", d.ID, "err", e)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", data.ErrInvalid, channel, err)
	}
	return nil
}

// Announce tells accounts something by one channel, those that have set it up,
// and returns how many these are. The deliveries are stored when it returns, and
// sent by whoever runs the Notifier.
func (n *Notifier) Announce(ctx context.Context, users []data.User, channel string, a Announcement) (told int, err error) {
	if channel == data.ChannelCommand {
		return 0, fmt.Errorf("%w: commands go to devices, not to people", data.ErrInvalid)
	}
	now := n.now().UTC().Truncate(time.Millisecond)
	key := "a." + rand.Text()
	for some := range slices.Chunk(users, batch) {
		var list []data.Delivery
		for i := range some {
			u := &some[i]
			if ok, err := n.checkChannel(ctx, u, channel, nil); err != nil {
				return told, err
			} else if !ok || !u.Active(now) {
				continue
			}
			told++
			d := n.announcement(u, channel, a, now)
			d.Key = fmt.Sprintf("%s.u%d", key, u.ID)
			if channel != data.ChannelTelegram {
				list = append(list, d)
				continue
			}
			more, err := n.byTelegram(ctx, u, d)
			if err != nil {
				return told, err
			}
			list = append(list, more...)
		}
		if err := n.store.AddDeliveries(ctx, list); err != nil {
			return told, err
		}
	}
	poke(n.deliveries)
	return told, nil
}

// byTelegram makes a delivery for each Telegram account of a user.
func (n *Notifier) byTelegram(ctx context.Context, u *data.User, d data.Delivery) (list []data.Delivery, err error) {
	accounts, err := n.store.TelegramAccounts(ctx, u.ID)
	for _, a := range accounts {
		one := d
		one.Target = strconv.FormatInt(a.TelegramID, 10)
		one.Key += "." + one.Target
		list = append(list, one)
	}
	return list, err
}

func (n *Notifier) announcement(u *data.User, channel string, a Announcement, now time.Time) data.Delivery {
	d := data.Delivery{
		UserID: u.ID, Channel: channel, Severity: a.Severity, Subject: a.Subject, Text: a.Text,
		State: data.DeliveryQueued, CreatedAt: now, DueAt: now, ExpiresAt: now.Add(announcementLife), ChangedAt: now,
	}
	d.Details = announced(d)
	return d
}

// announced is an announcement as JSON for programs.
func announced(d data.Delivery) []byte {
	b := append([]byte(nil), `{"event":null,"message":{"subject":`...)
	b = data.AppendJSONString(b, d.Subject)
	b = append(b, `,"text":`...)
	b = data.AppendJSONString(b, d.Text)
	b = append(b, `},"severity":`...)
	b = data.AppendJSONString(b, d.Severity)
	return append(b, '}')
}
