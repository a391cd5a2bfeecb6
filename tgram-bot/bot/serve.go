package bot

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"time"

	tele "gopkg.in/telebot.v3"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
)

// handlerTimeout bounds the handling of one update, waiting for Telegram's
// limits included.
const handlerTimeout = 30 * time.Second

// apologyTimeout bounds saying that it failed.
const apologyTimeout = 5 * time.Second

// request is a message or a tap from a person in a private chat.
type request struct {
	from *tele.User
	// chat is the person's private chat.
	chat int64
	lang *text.Language
	// command says that the message begins with a slash. arg is the text after
	// the command, else the whole text, or the button's data.
	command bool
	arg     string
	// tap is the tapped button's callback id, "" for a message; message is what
	// the button hangs on.
	tap     string
	message int
	// answered says that the spinner of the tap was stopped.
	answered bool
	// user is the linked account, for handlers behind linked.
	user data.User
}

type handler func(ctx context.Context, r *request) error

// router tells telebot which handler is for what. ctx is the context of all
// handling.
func (b *Bot) router(ctx context.Context, me *tele.User) *tele.Bot {
	r, err := tele.NewBot(tele.Settings{
		Offline: true, Synchronous: true, Client: b.api.http,
		OnError: func(err error, _ tele.Context) { b.log.Error("telegram handler", "err", err) },
	})
	if err != nil {
		panic(err) // offline, there is nothing that can fail
	}
	r.Me = me
	message := func(h handler, endpoints ...string) {
		for _, e := range endpoints {
			r.Handle(e, func(c tele.Context) error { b.serveMessage(ctx, c, h); return nil })
		}
	}
	button := func(endpoint string, h handler) {
		r.Handle(endpoint, func(c tele.Context) error { b.serveTap(ctx, c, h); return nil })
	}
	message(b.start, "/start")
	message(b.help, "/help")
	message(b.link, "/link")
	message(b.unlink, "/unlink")
	message(b.linked(b.devices), "/devices")
	message(b.linked(b.where), "/where")
	message(b.plainText, tele.OnText)
	// What we have no use for gets a word too.
	message(b.textOnly, tele.OnMedia, tele.OnContact, tele.OnLocation, tele.OnVenue, tele.OnDice)

	button("\flink", b.linkNow)
	button("\funlink", b.unlinkNow)
	button("\flist", b.linked(b.listPage))
	button("\fdev", b.linked(b.deviceCard))
	button("\fpin", b.linked(b.devicePin))
	button("\fwhere", b.linked(b.whereChosen))
	button("\fack", b.linked(b.acknowledge))
	button(tele.OnCallback, b.expired)
	return r
}

// serveMessage judges a message and hands it to h. Channels, bots and
// anonymous senders get nothing, groups a refusal.
func (b *Bot) serveMessage(ctx context.Context, c tele.Context, h handler) {
	m := c.Message()
	if c.Callback() != nil || m == nil || m.Chat == nil || m.Sender == nil || m.Sender.IsBot || m.SenderChat != nil {
		return
	}
	r := &request{from: m.Sender, chat: m.Chat.ID, lang: b.language(m.Sender)}
	r.arg, r.command = m.Text, strings.HasPrefix(m.Text, "/")
	if r.command {
		r.arg = m.Payload
	}
	r.arg = strings.TrimSpace(r.arg)
	if m.Chat.Type != tele.ChatPrivate {
		if !r.command {
			return // the group's own talk is not ours
		}
		h = b.refuseGroup
	}
	b.serve(ctx, r, h)
}

// serveTap judges a tap on a button and hands it to h. Anybody can send
// anything as data, and a text that looks like a button's data comes here too,
// without a callback.
func (b *Bot) serveTap(ctx context.Context, c tele.Context, h handler) {
	cb := c.Callback()
	if cb == nil || cb.ID == "" || cb.Sender == nil || cb.Sender.IsBot {
		return
	}
	r := &request{from: cb.Sender, lang: b.language(cb.Sender), arg: cb.Data, tap: cb.ID}
	if m := cb.Message; m == nil || m.Chat == nil || m.Chat.Type != tele.ChatPrivate || cb.IsInline() {
		h = b.expired
	} else {
		r.chat, r.message = m.Chat.ID, m.ID
	}
	b.serve(ctx, r, h)
}

// serve runs h with a deadline, recovers its panic, and tells the person when
// it failed.
func (b *Bot) serve(ctx context.Context, r *request, h handler) {
	limited, cancel := context.WithTimeout(ctx, handlerTimeout)
	err := b.guard(limited, r, h)
	cancel()
	// What follows must be said even if the handler took all of its time.
	ctx, cancel = context.WithTimeout(ctx, apologyTimeout)
	defer cancel()
	if e := b.answer(ctx, r, ""); err == nil {
		err = e
	}
	switch {
	case err == nil:
		return
	case errors.Is(err, errTelegram): // which did not take our answer: nobody to tell
		b.log.Warn("answer to a person", "err", err)
		return
	case errors.Is(err, data.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		b.log.Warn("handle an update", "err", err)
		err = b.reply(ctx, r, r.lang.Unavailable, nil)
	default:
		b.log.Error("handle an update", "err", err)
		err = b.reply(ctx, r, r.lang.Failed, nil)
	}
	if err != nil {
		b.log.Warn("answer to a person", "err", err)
	}
}

// guard runs h unless the person has had more than their share, and turns a
// panic into an error.
func (b *Bot) guard(ctx context.Context, r *request, h handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("panic in a handler", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	if b.taps.allow(r.from.ID, b.now()) {
		return h(ctx, r)
	}
	if r.tap != "" {
		return b.answer(ctx, r, r.lang.TooFast)
	}
	if r.chat == r.from.ID && b.warnings.allow(r.from.ID, b.now()) {
		return b.reply(ctx, r, r.lang.TooFast, nil)
	}
	return nil
}

var (
	errPanic = errors.New("the handler panicked")
	// errTelegram marks errors of calls to Telegram, as opposed to the store's.
	errTelegram = errors.New("telegram")
)

// linked lets only people through whose Telegram account is tied to an active
// user, asked anew each time: an account that is disabled or unlinked in the
// web is shut out at once.
func (b *Bot) linked(next handler) handler {
	return func(ctx context.Context, r *request) error {
		user, err := b.store.UserByTelegramID(ctx, r.from.ID)
		switch {
		case errors.Is(err, data.ErrNotFound):
			return b.show(ctx, r, r.lang.NotLinked, nil)
		case err != nil:
			return err
		case !user.Active(b.now()):
			return b.show(ctx, r, r.lang.AccountOff, nil)
		}
		r.user = user
		return next(ctx, r)
	}
}

// refuseGroup says once an hour that groups get no answers.
func (b *Bot) refuseGroup(ctx context.Context, r *request) error {
	if !b.refusals.allow(r.chat, b.now()) {
		return nil
	}
	return b.reply(ctx, r, r.lang.GroupsRefused, nil)
}

// expired answers a button that nothing is behind any more.
func (b *Bot) expired(ctx context.Context, r *request) error {
	if err := b.answer(ctx, r, r.lang.ExpiredPopup); err != nil || r.chat == 0 {
		return err
	}
	return tagged(b.api.removeButtons(ctx, r.chat, r.message))
}

// reply sends a new message.
func (b *Bot) reply(ctx context.Context, r *request, html string, buttons keyboard) error {
	if r.chat == 0 {
		return nil
	}
	return tagged(b.api.sendMessage(ctx, r.chat, html, buttons))
}

// show changes the message whose button was tapped, or sends a new one in
// answer to a message. It stops the spinner first.
func (b *Bot) show(ctx context.Context, r *request, html string, buttons keyboard) error {
	if r.tap == "" {
		return b.reply(ctx, r, html, buttons)
	}
	if err := b.answer(ctx, r, ""); err != nil {
		return err
	}
	return tagged(b.api.editMessage(ctx, r.chat, r.message, html, buttons))
}

// answer stops the spinner of a tap, once.
func (b *Bot) answer(ctx context.Context, r *request, popup string) error {
	if r.tap == "" || r.answered {
		return nil
	}
	r.answered = true
	return tagged(b.api.answerCallback(ctx, r.tap, popup))
}

func tagged(err error) error {
	if err == nil {
		return nil
	}
	return &telegramError{err}
}

// telegramError is an error that is errTelegram and what it wraps.
type telegramError struct{ err error }

func (e *telegramError) Error() string        { return e.err.Error() }
func (e *telegramError) Unwrap() error        { return e.err }
func (e *telegramError) Is(target error) bool { return target == errTelegram }

func (b *Bot) language(u *tele.User) *text.Language { return text.For(u.LanguageCode, b.cfg.Language) }
