package bot

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tgram-bot/text"
)

// kmhPerKnot is exact: a nautical mile is 1852 m.
const kmhPerKnot = 1.852

// deviceCard shows a device in place of the list, or refreshes the card.
func (b *Bot) deviceCard(ctx context.Context, r *request) error {
	id, rest := parseDevice(r.arg)
	d, ok, err := b.device(ctx, r.user, id)
	if err != nil {
		return err
	}
	back := parsePlace(rest)
	if !ok {
		return b.show(ctx, r, r.lang.DeviceGone, keyboard{{backButton(r.lang, back)}})
	}
	p, err := b.position(ctx, &d)
	if err != nil {
		return err
	}
	return b.show(ctx, r, b.card(r.lang, &d, p), cardButtons(r.lang, &d, back))
}

// devicePin sends the place of a device.
func (b *Bot) devicePin(ctx context.Context, r *request) error {
	id, _ := parseDevice(r.arg)
	d, ok, err := b.device(ctx, r.user, id)
	if err != nil {
		return err
	}
	if !ok {
		return b.show(ctx, r, r.lang.DeviceGone, nil)
	}
	p, err := b.position(ctx, &d)
	if err != nil {
		return err
	}
	if p == nil {
		return b.answer(ctx, r, r.lang.NoPositionPopup)
	}
	if err := b.answer(ctx, r, r.lang.SentPopup); err != nil {
		return err
	}
	return b.pin(ctx, r, p)
}

// position returns the newest position of a device, nil if there is none or it
// is no place on Earth.
func (b *Bot) position(ctx context.Context, d *data.Device) (*data.Position, error) {
	found, err := b.store.LatestPositions(ctx, []int64{d.ID})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	p := &found[0]
	if !(math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180) { // NaN too
		return nil, nil
	}
	return p, nil
}

func (b *Bot) pin(ctx context.Context, r *request, p *data.Position) error {
	return tagged(b.api.sendLocation(ctx, r.chat, p.Latitude, p.Longitude, p.AccuracyM))
}

func cardButtons(l *text.Language, d *data.Device, back place) keyboard {
	id := strconv.FormatInt(d.ID, 36)
	return keyboard{
		{{l.MapButton, tap("pin", id)}, {l.RefreshButton, tap("dev", id+"|"+back.String())}},
		{backButton(l, back)},
	}
}

func backButton(l *text.Language, back place) button {
	return button{l.BackButton, tap("list", back.String())}
}

// card says how a device is, in HTML: status, speed, battery, age, place.
func (b *Bot) card(l *text.Language, d *data.Device, p *data.Position) string {
	now := b.now()
	status := statusOf(d, now)
	var lines []string
	say := func(sentence string, pairs ...any) { lines = append(lines, text.Format(sentence, pairs...)) }
	say("{dot} <b>{name}</b> · {status}", "dot", dot(status), "name", deviceName(d), "status", statusWord(l, status))
	if p == nil {
		say(l.NoPosition)
	} else {
		facts := []string{text.Format(l.Speed, "speed", int(math.Round(clamp(p.SpeedKnots*kmhPerKnot, 0, 99_999))))}
		if level, ok := p.Attributes.Get("batteryLevel").Float(); ok {
			facts = append(facts, text.Format(l.Battery, "percent", int(math.Round(clamp(level, 0, 100)))))
		}
		lines = append(lines, strings.Join(facts, " · "))
		sentence := l.PositionAge
		if !p.Valid || p.Outdated {
			sentence = l.LastKnown
		}
		say(sentence, "age", l.Ago(now.Sub(fixTime(p))))
		say(`<a href="{link}">{lat}, {lon}</a>`, "link", mapLink(p), "lat", degrees(p.Latitude), "lon", degrees(p.Longitude))
	}
	if !d.LastUpdate.IsZero() {
		say(l.LastContact, "age", l.Ago(now.Sub(d.LastUpdate)))
	}
	return strings.Join(lines, "\n")
}

func fixTime(p *data.Position) time.Time {
	for _, t := range []time.Time{p.FixTime, p.DeviceTime} {
		if !t.IsZero() {
			return t
		}
	}
	return p.ServerTime
}

// clamp bounds v; NaN becomes low.
func clamp(v, low, high float64) float64 {
	if !(v > low) {
		return low
	}
	return min(v, high)
}

// degrees writes an angle to a metre or so.
func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 5, 64) }

// mapLink is a page with a map, of a service that wants no key
// (https://wiki.openstreetmap.org/wiki/Browsing#Sharing_a_link_to_the_map).
func mapLink(p *data.Position) string {
	lat, lon := degrees(p.Latitude), degrees(p.Longitude)
	return "https://www.openstreetmap.org/?mlat=" + lat + "&mlon=" + lon + "#map=16/" + lat + "/" + lon
}

// statusOf is the status in words that people use: a device that is silent is
// offline to them, whatever became of its connection.
func statusOf(d *data.Device, now time.Time) string {
	if status := d.Status(now); status != data.StatusUnknown || d.LastUpdate.IsZero() {
		return status
	}
	return data.StatusOffline
}

func dot(status string) string {
	switch status {
	case data.StatusOnline:
		return "🟢"
	case data.StatusOffline:
		return "🔴"
	}
	return "⚪"
}

func statusWord(l *text.Language, status string) string {
	switch status {
	case data.StatusOnline:
		return l.Online
	case data.StatusOffline:
		return l.Offline
	}
	return l.NeverSeen
}
