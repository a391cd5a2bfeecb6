package bot

import (
	"context"
	"errors"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
)

// start greets, or goes on with linking when it came by a link with a code.
func (b *Bot) start(ctx context.Context, r *request) error {
	if r.arg != "" {
		return b.link(ctx, r)
	}
	user, ok, err := b.account(ctx, r)
	switch {
	case err != nil:
		return err
	case !ok:
		return b.reply(ctx, r, r.lang.Welcome, nil)
	}
	return b.reply(ctx, r, text.Format(r.lang.WelcomeBack, "name", accountName(user)), nil)
}

func (b *Bot) help(ctx context.Context, r *request) error {
	_, ok, err := b.account(ctx, r)
	switch {
	case err != nil:
		return err
	case !ok:
		return b.reply(ctx, r, r.lang.HelpUnlinked, nil)
	}
	return b.reply(ctx, r, r.lang.Help, nil)
}

// plainText takes a text for the name of a device, unless it is a command that
// nobody knows.
func (b *Bot) plainText(ctx context.Context, r *request) error {
	if r.command {
		return b.reply(ctx, r, r.lang.UnknownCommand, nil)
	}
	return b.linked(b.where)(ctx, r)
}

func (b *Bot) textOnly(ctx context.Context, r *request) error {
	return b.reply(ctx, r, r.lang.TextOnly, nil)
}

// account returns the user the person is linked to, active or not; ok is false
// if there is none.
func (b *Bot) account(ctx context.Context, r *request) (user data.User, ok bool, err error) {
	user, err = b.store.UserByTelegramID(ctx, r.from.ID)
	if errors.Is(err, data.ErrNotFound) {
		return user, false, nil
	}
	return user, err == nil, err
}

// accountName is how an account is called towards its own person.
func accountName(u data.User) string {
	if u.Name == "" {
		return u.Email
	}
	return u.Name
}
