package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
)

// life is how long it is worth to tell somebody, by severity.
func life(severity string) time.Duration {
	switch severity {
	case data.SeverityAlarm:
		return 24 * time.Hour
	case data.SeverityWarning:
		return 6 * time.Hour
	}
	return time.Hour
}

// deliveriesOf compares events with the rules.
func (n *Notifier) deliveriesOf(ctx context.Context, events []data.Event) ([]data.Delivery, error) {
	all, err := n.rules(ctx)
	if err != nil {
		return nil, err
	}
	b := &builder{n: n, all: all, now: n.now().UTC().Truncate(time.Millisecond), told: make(map[cooling][]time.Time), watching: make(map[int64]map[int64]bool)}
	for i := range events {
		if candidates := all.byType[events[i].Type]; len(candidates) > 0 {
			if err := b.event(ctx, &events[i], candidates); err != nil {
				return nil, err
			}
		}
	}
	return b.out, nil
}

// builder makes the deliveries of a batch of events.
type builder struct {
	n   *Notifier
	all *rules
	now time.Time
	out []data.Delivery
	// told are the events of this batch that rules with a cooldown told.
	told map[cooling][]time.Time
	// watching are the accounts that see a device by a link.
	watching map[int64]map[int64]bool
}

type cooling struct{ rule, device int64 }

func (b *builder) event(ctx context.Context, e *data.Event, candidates []*rule) error {
	var s *subject
	watchers, err := b.watchers(ctx, e.DeviceID)
	if err != nil {
		return err
	}
	for _, r := range candidates {
		// Most rules are of people who do not see the device.
		if !r.concerns(b.all, watchers) || !r.checkAge(e, b.now, nil) {
			continue
		}
		if s == nil {
			var err error
			if s, err = b.n.subjectOf(ctx, e); err != nil || s == nil {
				return err
			}
		}
		ok, err := r.match(ctx, b.n.store, b.all, s, b.now, nil)
		if err != nil {
			return err
		}
		if !ok || b.cooling(r, e) {
			continue
		}
		before := len(b.out)
		if err := b.rule(ctx, r, s); err != nil {
			return err
		}
		if r.cooldown > 0 && len(b.out) > before {
			k := cooling{r.ID, e.DeviceID}
			b.told[k] = append(b.told[k], e.Time)
		}
	}
	return nil
}

// watchers are the accounts that see a device by a link; none if it is gone.
func (b *builder) watchers(ctx context.Context, deviceID int64) (map[int64]bool, error) {
	if have, ok := b.watching[deviceID]; ok {
		return have, nil
	}
	ids, err := access.Watchers(ctx, b.n.store, deviceID)
	if err != nil && !errors.Is(err, data.ErrNotFound) {
		return nil, err
	}
	out := make(map[int64]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	b.watching[deviceID] = out
	return out, nil
}

// concerns tells whether an account of the rule is among watchers, or sees
// every device.
func (r *rule) concerns(all *rules, watchers map[int64]bool) bool {
	for _, id := range r.users {
		if watchers[id] {
			return true
		}
		if u := all.users[id]; u != nil && u.Administrator {
			return true
		}
	}
	return false
}

func (b *builder) cooling(r *rule, e *data.Event) bool {
	return slices.ContainsFunc(b.told[cooling{r.ID, e.DeviceID}], func(t time.Time) bool { return e.Time.Sub(t).Abs() < r.cooldown })
}

// rule makes the deliveries of an event by a rule: at once, and those for the
// case that nobody acknowledges.
func (b *builder) rule(ctx context.Context, r *rule, s *subject) error {
	owners := r.owners(b.all)
	for _, u := range owners {
		if err := b.user(ctx, r, s, u, r.channels, 0); err != nil {
			return err
		}
	}
	if r.escalateAfter <= 0 {
		return nil
	}
	var channels []string
	for _, to := range r.escalateTo {
		if id, err := strconv.ParseInt(to, 10, 64); err != nil {
			channels = append(channels, to)
		} else if u := b.all.users[id]; u != nil {
			if err := b.user(ctx, r, s, u, r.channels, r.escalateAfter); err != nil {
				return err
			}
		}
	}
	for _, u := range owners {
		if err := b.user(ctx, r, s, u, channels, r.escalateAfter); err != nil {
			return err
		}
	}
	return nil
}

// user makes the deliveries of one account, if it may be told.
func (b *builder) user(ctx context.Context, r *rule, s *subject, u *data.User, channels []string, after time.Duration) error {
	if len(channels) == 0 {
		return nil
	}
	ok, err := b.n.checkUser(ctx, u, s.device.ID, b.now, nil)
	if err != nil || !ok {
		return err
	}
	var m *message
	for _, channel := range channels {
		if ok, err := b.n.checkChannel(ctx, u, channel, nil); err != nil {
			return err
		} else if !ok {
			continue
		}
		if m == nil {
			m = render(b.all, u, s)
		}
		d := b.delivery(r, s, u, m, channel, after)
		if channel != data.ChannelTelegram {
			b.out = append(b.out, d)
			continue
		}
		list, err := b.n.byTelegram(ctx, u, d)
		if err != nil {
			return err
		}
		b.out = append(b.out, list...)
	}
	return nil
}

func (b *builder) delivery(r *rule, s *subject, u *data.User, m *message, channel string, after time.Duration) data.Delivery {
	e := s.event
	d := data.Delivery{
		Key: fmt.Sprintf("e%d.n%d.u%d.%s", e.ID, r.ID, u.ID, channel), UserID: u.ID, DeviceID: e.DeviceID, EventID: e.ID,
		NotificationID: r.ID, EventType: e.Type, EventTime: e.Time, Channel: channel, Severity: r.severity,
		Subject: m.subject, Text: m.text, Details: details(r, s, m), Escalation: after > 0,
		State: data.DeliveryQueued, CreatedAt: b.now, DueAt: b.now.Add(after), ExpiresAt: b.now.Add(after + life(r.severity)), ChangedAt: b.now,
	}
	if channel == data.ChannelCommand { // the device is told once, not by everybody
		d.Key = fmt.Sprintf("e%d.n%d.%s", e.ID, r.ID, channel)
	}
	if d.Escalation {
		d.Key += ".x"
	}
	return d
}

// details is what programs are told, as JSON.
func details(r *rule, s *subject, m *message) []byte {
	var body struct {
		Event        json.RawMessage `json:"event"`
		Device       detailsDevice   `json:"device"`
		Position     json.RawMessage `json:"position"`
		Message      detailsMessage  `json:"message"`
		Severity     string          `json:"severity"`
		Notification int64           `json:"notificationId"`
		Command      int64           `json:"commandId,omitempty"`
	}
	e := *s.event
	e.Attributes = slices.Clone(e.Attributes)
	e.Attributes.SetString("message", m.subject)
	body.Event = e.AppendJSON(nil)
	body.Device = detailsDevice{s.device.ID, s.device.Name, s.device.UniqueID}
	if s.position != nil {
		body.Position = s.position.AppendJSON(nil)
	}
	body.Message, body.Severity, body.Notification, body.Command = detailsMessage{m.subject, m.text}, r.severity, r.ID, r.CommandID
	b, err := json.Marshal(body)
	if err != nil || len(b) > maxDetails { // a position may hold anything
		body.Position = nil
		b, _ = json.Marshal(body)
	}
	if len(b) > maxDetails {
		return []byte("{}")
	}
	return b
}

// maxDetails bounds what programs are told, in bytes.
const maxDetails = 48 << 10

type detailsDevice struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	UniqueID string `json:"uniqueId"`
}

type detailsMessage struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}
