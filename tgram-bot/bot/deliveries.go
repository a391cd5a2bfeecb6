package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
)

// Deliveries by Telegram wait in the store, which is the outbox: whoever makes
// one need not know whether a bot runs. They are sent in order per chat, under
// the limits of the transport. One that a crash has interrupted is sent again:
// Telegram knows no repeats, and a message twice is better than none.

const (
	// outboxEvery is how often the outbox is looked at.
	outboxEvery = time.Second
	// outboxAtOnce bounds what is looked at in one go, outboxChats the chats that
	// are written to at the same time.
	outboxAtOnce = 200
	outboxChats  = 8
	// deliverTimeout bounds one message, waiting for the chat's turn included.
	deliverTimeout = time.Minute
	// deliverLease is how long a message that is being sent is left alone: a bot
	// that takes over sends it after that.
	deliverLease = deliverTimeout + storeTimeout
	// maxSubject and maxBody bound the two parts of a message, in UTF-16 units:
	// Telegram takes 4096 (https://core.telegram.org/bots/api#sendmessage).
	maxSubject = 500
	maxBody    = 3000
)

// errFinal marks errors after which sending again would be of no use.
var errFinal = errors.New("not sent")

// sendDeliveries sends what waits until ctx ends, and ends what it has begun.
func (b *Bot) sendDeliveries(ctx context.Context) {
	tick := time.NewTicker(outboxEvery)
	defer tick.Stop()
	for {
		if err := b.sendDue(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("messages wait to be sent", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sendDue sends what is due now.
func (b *Bot) sendDue(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	due, err := b.store.DueDeliveries(ask, []string{data.ChannelTelegram}, b.now(), outboxAtOnce)
	if err != nil {
		return err
	}
	chats, order := make(map[string][]*data.Delivery), []string(nil)
	for i := range due {
		d := &due[i]
		if len(chats[d.Target]) == 0 {
			order = append(order, d.Target)
		}
		chats[d.Target] = append(chats[d.Target], d)
	}
	slots := make(chan struct{}, outboxChats)
	var work sync.WaitGroup
	defer work.Wait()
	for _, chat := range order {
		slots <- struct{}{} // each is held for some minutes at most
		work.Go(func() {
			defer func() { <-slots }()
			began := b.now()
			for _, d := range chats[chat] {
				// A slow chat leaves the rest for the next time.
				if ctx.Err() != nil || b.now().Sub(began) > deliverTimeout || !b.deliver(context.WithoutCancel(ctx), d) {
					return
				}
			}
		})
	}
	return nil
}

// deliver sends one message and writes down what became of it. It tells
// whether the next one may follow.
func (b *Bot) deliver(ctx context.Context, d *data.Delivery) bool {
	ctx, cancel := context.WithTimeout(ctx, deliverLease)
	defer cancel()
	was := d.State
	d.State, d.Attempts, d.ChangedAt = data.DeliverySending, d.Attempts+1, b.now()
	d.DueAt = d.ChangedAt.Add(deliverLease)
	if err := b.store.ChangeDelivery(ctx, d, was); err != nil {
		if !errors.Is(err, data.ErrConflict) { // somebody has acknowledged it
			b.log.Warn("message not begun", "delivery", d.ID, "err", err)
		}
		return errors.Is(err, data.ErrConflict)
	}
	err := b.say(ctx, d)
	var api *APIError
	pause, final := time.Duration(0), errors.Is(err, errFinal)
	if errors.As(err, &api) {
		pause = api.RetryAfter
		// Refused: blocked, the chat is gone, the text cannot be read. 401 is about
		// us, and passes.
		final = api.Code == http.StatusForbidden || api.Code == http.StatusBadRequest
	}
	d.Settle(err, final, pause, b.now())
	if err != nil {
		b.log.Info("message not sent", "delivery", d.ID, "user", d.UserID, "attempt", d.Attempts, "state", string(d.State), "err", err)
	}
	if err := b.store.ChangeDelivery(ctx, d, data.DeliverySending); err != nil {
		b.log.Warn("message sent, but that is not written down: it will be sent again", "delivery", d.ID, "err", err)
		return false
	}
	return d.State != data.DeliveryQueued
}

// say puts a delivery into its chat, if the person may still be told.
func (b *Bot) say(ctx context.Context, d *data.Delivery) error {
	if !b.now().Before(d.ExpiresAt) {
		return fmt.Errorf("%w: it was not sent in time", errFinal)
	}
	chat, err := strconv.ParseInt(d.Target, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %q is no Telegram account", errFinal, d.Target)
	}
	u, err := b.store.UserByTelegramID(ctx, chat)
	switch {
	case errors.Is(err, data.ErrNotFound) || (err == nil && u.ID != d.UserID):
		return fmt.Errorf("%w: the Telegram account is no longer connected", errFinal)
	case err != nil:
		return err
	case !u.Active(b.now()):
		return fmt.Errorf("%w: the account is disabled or has expired", errFinal)
	}
	if d.DeviceID != 0 {
		if _, ok, err := b.device(ctx, u, d.DeviceID); err != nil {
			return err
		} else if !ok {
			return fmt.Errorf("%w: the account may no longer see the device", errFinal)
		}
	}
	language, _ := u.Attributes["language"].(string)
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	params := messageParams(chat, deliveryHTML(d), deliveryButtons(text.For(language, b.cfg.Language), d, true))
	if d.Severity == data.SeverityInfo {
		params["disable_notification"] = true
	}
	return b.api.call(ctx, "sendMessage", params, nil)
}

// deliveryHTML is the text of a delivery.
func deliveryHTML(d *data.Delivery) string {
	dot := map[string]string{data.SeverityWarning: "🟡 ", data.SeverityAlarm: "🔴 "}[d.Severity]
	html := dot + "<b>" + text.Escape(d.Subject, maxSubject) + "</b>"
	room := maxBody
	for line := range strings.SplitSeq(d.Text, "\n") {
		line = text.Escape(line, room)
		if room -= len(line) + 1; line == "" || room < 0 {
			continue
		}
		html += "\n" + line
	}
	return html
}

// deliveryButtons acknowledge a delivery, and show where the device is.
func deliveryButtons(l *text.Language, d *data.Delivery, ack bool) keyboard {
	var row []button
	if ack && d.EventID != 0 {
		row = append(row, button{l.AckButton, tap("ack", strconv.FormatInt(d.ID, 36))})
	}
	if d.DeviceID != 0 {
		row = append(row, button{l.MapButton, tap("pin", strconv.FormatInt(d.DeviceID, 36))})
	}
	if len(row) == 0 {
		return nil
	}
	return keyboard{row}
}

// acknowledge is the button that says that somebody has seen what happened.
func (b *Bot) acknowledge(ctx context.Context, r *request) error {
	id, err := strconv.ParseInt(r.arg, 36, 64)
	if err != nil {
		return b.expired(ctx, r)
	}
	d, err := b.store.Delivery(ctx, id)
	if errors.Is(err, data.ErrNotFound) || (err == nil && d.UserID != r.user.ID) {
		return b.expired(ctx, r)
	}
	if err != nil {
		return err
	}
	if err := b.store.AcknowledgeDelivery(ctx, id, r.user.ID, b.now()); err != nil {
		return err
	}
	if err := b.answer(ctx, r, r.lang.AckPopup); err != nil {
		return err
	}
	return b.show(ctx, r, deliveryHTML(&d)+"\n"+r.lang.Acknowledged, deliveryButtons(r.lang, &d, false))
}
