package bot

import (
	"context"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// maxCandidates bounds the devices whose names contain what was asked for.
	maxCandidates = 500
	// maxFuzzy bounds the devices whose names are compared sign by sign.
	maxFuzzy = 10_000
)

// where shows the device that a name means, or asks which one is meant.
func (b *Bot) where(ctx context.Context, r *request) error {
	query := text.Clean(r.arg, maxName)
	if query == "" {
		return b.reply(ctx, r, r.lang.WhereUsage, nil)
	}
	found, err := b.resolve(ctx, r.user, query)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return b.reply(ctx, r, text.Format(r.lang.WhereNone, "query", query), nil)
	case len(found) == 1:
		return b.showWhere(ctx, r, &found[0])
	}
	found = found[:min(len(found), perPage)]
	return b.reply(ctx, r, r.lang.WhereSeveral, b.deviceButtons(found, "where", ""))
}

// whereChosen is the answer to "which device do you mean?".
func (b *Bot) whereChosen(ctx context.Context, r *request) error {
	id, _ := parseDevice(r.arg)
	d, ok, err := b.device(ctx, r.user, id)
	if err != nil {
		return err
	}
	if !ok {
		return b.show(ctx, r, r.lang.DeviceGone, nil)
	}
	if err := b.answer(ctx, r, ""); err != nil {
		return err
	}
	return b.showWhere(ctx, r, &d)
}

// showWhere sends a pin, if there is a place, and the card.
func (b *Bot) showWhere(ctx context.Context, r *request, d *data.Device) error {
	p, err := b.position(ctx, d)
	if err != nil {
		return err
	}
	if p != nil {
		if err := b.pin(ctx, r, p); err != nil {
			return err
		}
	}
	return b.reply(ctx, r, b.card(r.lang, d, p), cardButtons(r.lang, d, place{}))
}

// resolve finds the devices that a name can mean: those that contain it, or if
// there are none those that nearly do.
func (b *Bot) resolve(ctx context.Context, u data.User, query string) ([]data.Device, error) {
	found, err := b.visible(ctx, u, storage.DeviceFilter{Keyword: query, Limit: maxCandidates})
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return best(found, query, rank), nil
	}
	found, err = b.visible(ctx, u, storage.DeviceFilter{Limit: maxFuzzy})
	if err != nil {
		return nil, err
	}
	return best(found, query, misspelling), nil
}
