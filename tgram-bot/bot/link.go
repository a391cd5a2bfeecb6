package bot

import (
	"context"
	"errors"
	"strings"

	tele "gopkg.in/telebot.v3"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
	"github.com/waymark-gps/waymark/util/linkcode"
)

// link asks whether to use a code. It does not look the code up: who only
// guesses learns nothing here, and the tries are counted where it is used.
func (b *Bot) link(ctx context.Context, r *request) error {
	if r.arg == "" {
		return b.reply(ctx, r, r.lang.LinkUsage, nil)
	}
	if !linkcode.Valid(r.arg) {
		return b.reply(ctx, r, r.lang.LinkMalformed, nil)
	}
	question := r.lang.LinkConfirm
	user, ok, err := b.account(ctx, r)
	if err != nil {
		return err
	}
	if ok {
		question += "\n\n" + text.Format(r.lang.LinkReplaces, "name", accountName(user))
	}
	// The code fits: with no spaces it has at most 47 bytes.
	code := strings.ReplaceAll(r.arg, " ", "")
	return b.reply(ctx, r, question, keyboard{{
		{r.lang.LinkYesButton, tap("link", code)},
		{r.lang.LinkNoButton, tap("link", "no")},
	}})
}

// linkNow is the answer to link's question.
func (b *Bot) linkNow(ctx context.Context, r *request) error {
	if r.arg == "no" {
		return b.show(ctx, r, r.lang.LinkCancelled, nil)
	}
	now := b.now()
	if !b.linkTries.allow(r.from.ID, now) {
		return b.show(ctx, r, r.lang.LinkTooMany, nil)
	}
	user, err := b.store.UseTelegramCode(ctx, linkcode.Hash(r.arg), data.TelegramAccount{
		TelegramID: r.from.ID, Name: personName(r.from), LinkedAt: now,
	}, now)
	switch {
	case errors.Is(err, data.ErrNotFound):
		return b.show(ctx, r, r.lang.LinkWrong, nil)
	case err != nil:
		return err
	}
	b.log.Info("telegram account linked", "user", user.ID)
	answer := r.lang.LinkDone
	if !user.Active(now) {
		answer = r.lang.LinkDoneOff
	}
	return b.show(ctx, r, text.Format(answer, "name", accountName(user)), nil)
}

// unlink asks whether to end the link. A disabled account may end it too.
func (b *Bot) unlink(ctx context.Context, r *request) error {
	user, ok, err := b.account(ctx, r)
	switch {
	case err != nil:
		return err
	case !ok:
		return b.reply(ctx, r, r.lang.NotLinked, nil)
	}
	return b.reply(ctx, r, text.Format(r.lang.UnlinkConfirm, "name", accountName(user)), keyboard{{
		{r.lang.UnlinkYesButton, tap("unlink", "yes")},
		{r.lang.UnlinkNoButton, tap("unlink", "no")},
	}})
}

// unlinkNow is the answer to unlink's question.
func (b *Bot) unlinkNow(ctx context.Context, r *request) error {
	if r.arg != "yes" {
		return b.show(ctx, r, r.lang.UnlinkKept, nil)
	}
	if err := b.store.UnlinkTelegram(ctx, r.from.ID); err != nil && !errors.Is(err, data.ErrNotFound) {
		return err
	}
	b.log.Info("telegram account unlinked")
	return b.show(ctx, r, r.lang.UnlinkDone, nil)
}

// personName is what the web shows for a Telegram account.
func personName(u *tele.User) string {
	name := strings.TrimSpace(u.FirstName + " " + u.LastName)
	if u.Username != "" {
		name += " (@" + u.Username + ")"
	}
	return text.Clean(name, 100)
}
