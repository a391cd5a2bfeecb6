package bot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	tele "gopkg.in/telebot.v3"

	"github.com/waymark-gps/waymark/tgram-bot/text"
)

const (
	// busyPause is how long to wait for chats at work before asking for the
	// updates of others.
	busyPause = time.Second
	// grace is how long handlers may go on after Run was told to stop.
	grace = 15 * time.Second
	// storeTimeout bounds one call of the store for the bot's own place.
	storeTimeout = 5 * time.Second
)

// connect introduces the bot to Telegram. It returns an error only when ctx has
// ended.
func (b *Bot) connect(ctx context.Context) (*tele.User, error) {
	var me *tele.User
	err := b.insist(ctx, "connect to telegram", func() (err error) {
		if me, err = b.api.getMe(ctx); err != nil {
			return err
		}
		return b.api.deleteWebhook(ctx)
	})
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.state.me = me
	b.mu.Unlock()
	b.polled()
	// A missing menu is no reason not to answer.
	for _, l := range text.Languages() {
		if err := b.api.setMyCommands(ctx, l.Code, menu(l)); err != nil {
			b.log.Warn("set the bot's menu", "language", l.Code, "err", err)
		}
	}
	if err := b.api.setMyCommands(ctx, "", menu(text.For(b.cfg.Language))); err != nil {
		b.log.Warn("set the bot's menu", "err", err)
	}
	return me, ctx.Err()
}

func menu(l *text.Language) []tele.Command {
	return []tele.Command{
		{Text: "devices", Description: l.CommandDevices},
		{Text: "where", Description: l.CommandWhere},
		{Text: "link", Description: l.CommandLink},
		{Text: "unlink", Description: l.CommandUnlink},
		{Text: "help", Description: l.CommandHelp},
	}
}

// loadOffset reads where the bot left off, saveOffset writes it. They insist: a
// bot that forgot its place would answer twice. They return an error only when
// ctx has ended.
func (b *Bot) loadOffset(ctx context.Context, bot int64) (offset int64, err error) {
	err = b.insist(ctx, "read the telegram offset", func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		offset, err = b.store.TelegramOffset(ctx, bot)
		return err
	})
	return offset, err
}

func (b *Bot) saveOffset(ctx context.Context, bot, offset int64) error {
	return b.insist(ctx, "store the telegram offset", func() error {
		// The last offset is stored when ctx has ended already.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		return b.store.SetTelegramOffset(ctx, bot, offset)
	})
}

// insist does something until it succeeds or ctx ends, with pauses.
func (b *Bot) insist(ctx context.Context, what string, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause := pollPause(err, n)
		b.failed(err)
		b.log.Warn(what, "err", err, "hint", hint(err), "retryIn", pause.Round(time.Second).String())
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pollPause is how long to wait after the n-th failure in a row.
func pollPause(err error, n int) time.Duration {
	var api *APIError
	switch {
	case errors.As(err, &api) && api.Code == http.StatusTooManyRequests:
		return jitter(max(api.RetryAfter, time.Second))
	case refused(err, http.StatusConflict): // the server holds repeated ones back itself
		return backoff(n, 3*time.Second, 30*time.Second)
	case refused(err, http.StatusUnauthorized), refused(err, http.StatusNotFound):
		return backoff(n, 5*time.Second, 5*time.Minute)
	}
	return backoff(n, time.Second, time.Minute)
}

// hint tells the operator what to do about an error.
func hint(err error) string {
	switch {
	case refused(err, http.StatusConflict):
		return "another program uses the same token: stop it, or give this bot a token of its own"
	case refused(err, http.StatusUnauthorized), refused(err, http.StatusNotFound):
		return "telegram refuses the token: check " + Section + ".token against @BotFather"
	case errors.Is(err, errNotAPI):
		return "something between here and telegram answers: check " + Section + ".api-url and " + Section + ".proxy"
	}
	return "none needed if it passes"
}

// poll asks for updates and handles them until ctx ends. An update is confirmed,
// by the next question, after it and all before it have been handled and the
// offset is stored: a crash may repeat the last ones, nothing is lost.
//
// While chats are at work the question brings the same updates again and those
// that are new, so a slow chat holds up nobody else.
func (b *Bot) poll(ctx context.Context, me *tele.User, offset int64) {
	// Handlers outlive ctx a little, to finish what they have begun.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if sleep(work, grace) == nil {
			cancel()
		}
	})()
	router := b.router(work, me)
	in := newInbox(offset, func(u *update) { b.handle(router, u) })
	for ctx.Err() == nil {
		batch, err := b.ask(ctx, offset, in.busy())
		if err != nil {
			break // ctx has ended
		}
		b.polled()
		for _, u := range batch {
			if result := in.add(work, u); result != "" {
				b.metrics.updates(result).Inc()
			}
		}
		in.rest(ctx, busyPause)
		offset = b.move(ctx, me.ID, offset, in.offset())
	}
	in.wait()
	b.move(ctx, me.ID, offset, in.offset())
}

// ask asks for updates until it gets an answer. It returns an error only when
// ctx has ended.
func (b *Bot) ask(ctx context.Context, offset int64, busy bool) (batch []update, err error) {
	wait := b.cfg.PollTimeout
	if busy {
		wait = 0 // there is an answer at once anyway
	}
	err = b.insist(ctx, "ask telegram for updates", func() error {
		raw, err := b.api.getUpdates(ctx, offset, wait)
		wait = 0 // after a failure, learn at once whether it has passed
		if err != nil {
			return err
		}
		batch, err = b.read(raw)
		return err
	})
	return batch, err
}

// move stores the next offset and returns it, or the old one if it could not be
// stored before ctx ended.
func (b *Bot) move(ctx context.Context, bot, from, to int64) int64 {
	if from == to {
		return from
	}
	if err := b.saveOffset(ctx, bot, to); err != nil {
		b.log.Error("the telegram offset was not stored: the last updates will be handled again", "err", err)
		return from
	}
	return to
}

// update is one update, by what the loop needs to know of it.
type update struct {
	id   int64
	chat int64 // orders the handling; 0 for none
	tele.Update
}

// read reads a batch. An update that cannot be read is counted and keeps its
// id, so that it is confirmed and does not come for ever.
func (b *Bot) read(raw []json.RawMessage) ([]update, error) {
	batch := make([]update, 0, len(raw))
	for _, r := range raw {
		var id struct {
			ID int64 `json:"update_id"`
		}
		if err := json.Unmarshal(r, &id); err != nil || id.ID <= 0 {
			continue
		}
		u := update{id: id.ID}
		if err := json.Unmarshal(r, &u.Update); err != nil {
			b.metrics.updates("unreadable").Inc()
			b.log.Warn("an update from telegram cannot be read and is left out", "update", id.ID, "err", err)
			u.Update = tele.Update{}
		}
		u.chat = chatOf(&u.Update)
		batch = append(batch, u)
	}
	if len(batch) == 0 && len(raw) > 0 {
		return nil, errNotAPI // nothing to confirm: asking again at once would never end
	}
	return batch, nil
}

func chatOf(u *tele.Update) int64 {
	switch {
	case u.Message != nil && u.Message.Chat != nil:
		return u.Message.Chat.ID
	case u.Callback != nil && u.Callback.Message != nil && u.Callback.Message.Chat != nil:
		return u.Callback.Message.Chat.ID
	case u.Callback != nil && u.Callback.Sender != nil:
		return u.Callback.Sender.ID
	}
	return 0
}

// handle handles one update. serve recovers the panics of our handlers; this
// one is for telebot's own.
func (b *Bot) handle(router *tele.Bot, u *update) {
	result := "handled"
	defer func() {
		if p := recover(); p != nil {
			result = "panicked"
			b.log.Error("panic while routing an update", "update", u.id, "panic", p, "stack", string(debug.Stack()))
		}
		b.metrics.updates(result).Inc()
	}()
	router.ProcessUpdate(u.Update)
}
