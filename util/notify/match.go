package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Condition is one question that decides whether somebody is told.
type Condition struct {
	// Name is a word for programs: "type", "age", ...
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Text says it in plain words, with the values that count.
	Text string `json:"text"`
}

// subject is an event and what it is about.
type subject struct {
	event    *data.Event
	device   *data.Device
	position *data.Position // nil if there is none
	other    string         // the other device's name, of events about two
}

// trace collects conditions for people; a nil trace only wants the result, and
// the texts are not made.
type trace struct{ list []Condition }

func (t *trace) add(name string, ok bool, format string, args ...any) bool {
	if t != nil {
		t.list = append(t.list, Condition{name, ok, fmt.Sprintf(format, args...)})
	}
	return ok
}

// match tells whether an event meets the conditions of a rule that are the same
// for everybody. With a trace all of them are looked at.
func (r *rule) match(ctx context.Context, store Store, all *rules, s *subject, now time.Time, t *trace) (bool, error) {
	e := s.event
	holds := t.add("type", e.Type == r.Type, "the event is %s, the rule is for %s", e.Type, r.Type)
	checks := []func() bool{
		func() bool { return r.checkAge(e, now, t) },
		func() bool { return r.checkDevice(all, s, t) },
		func() bool { return r.checkSubject(all, e, t) },
		func() bool { return r.checkCalendar(e, t) },
	}
	for _, check := range checks {
		if !holds && t == nil {
			return false, nil
		}
		holds = check() && holds
	}
	if r.cooldown <= 0 || (!holds && t == nil) {
		return holds, nil
	}
	last, err := store.LastTold(ctx, r.ID, e.DeviceID, e.ID, e.Time)
	if err != nil {
		return false, err
	}
	return r.checkCooldown(e, last, t) && holds, nil
}

// checkAge asks whether the event is news: the data were not late, and neither
// are we.
func (r *rule) checkAge(e *data.Event, now time.Time, t *trace) bool {
	came := came(e, now)
	age := came.Sub(e.Time)
	fresh := t.add("age", age <= r.maxAge, "when it came in, the event was %s old; older than %s is history and not told (maxAgeS)", short(age), short(r.maxAge))
	wait, most := now.Sub(came), life(r.severity)
	if t == nil || wait > most {
		fresh = t.add("late", wait <= most, "it has waited %s to be told; after %s it is not worth it (severity %s)", short(wait), short(most), r.severity) && fresh
	}
	return fresh
}

// came is when an event came in.
func came(e *data.Event, now time.Time) time.Time {
	if e.ServerTime.IsZero() {
		return now
	}
	return e.ServerTime
}

// checkDevice asks whether the rule holds for the device: by a link to it or to
// a group it is in, or for all devices of the account.
func (r *rule) checkDevice(all *rules, s *subject, t *trace) bool {
	id := s.device.ID
	only := len(r.only) == 0 || slices.Contains(r.only, id)
	if t != nil && len(r.only) > 0 {
		t.add("devices", only, "the rule is for the devices %s (deviceIds), this is device %d", join(r.only), id)
	}
	switch group := r.linkedGroup(all, s.device.GroupID); {
	case r.Always:
		return t.add("linked", true, "the rule is for all devices of its accounts (always)") && only
	case r.devices[id]:
		return t.add("linked", true, "the rule is linked to the device") && only
	case group != 0:
		return t.add("linked", true, "the rule is linked to group %d, which the device is in", group) && only
	}
	return t.add("linked", false, "the rule is not for all devices (always), and linked neither to the device nor to a group it is in") && only
}

// linkedGroup is the group that the rule is linked to and that a group is or
// lies in; 0 for none. Circles end where they began.
func (r *rule) linkedGroup(all *rules, group int64) int64 {
	if len(r.groups) == 0 {
		return 0
	}
	for range len(all.parents) + 1 {
		if group == 0 || r.groups[group] {
			return group
		}
		group = all.parents[group]
	}
	return 0
}

// checkSubject asks whether the event is about what the rule is about.
func (r *rule) checkSubject(all *rules, e *data.Event, t *trace) bool {
	ok := true
	if e.Type == data.EventAlarm && len(r.alarms) > 0 {
		have := list(e.Attributes.Get("alarm").String())
		found := slices.ContainsFunc(have, func(a string) bool { return slices.Contains(r.alarms, a) })
		ok = t.add("alarms", found, "the alarm is %s, the rule is for %s (alarms)", cmp.Or(strings.Join(have, ","), "none"), strings.Join(r.alarms, ","))
	}
	if len(r.geofences) > 0 {
		found := slices.Contains(r.geofences, e.GeofenceID)
		ok = t.add("geofences", found, "the event is about geofence %d %s, the rule is for %s (geofenceIds)", e.GeofenceID, all.fences[e.GeofenceID], join(r.geofences)) && ok
	}
	return ok
}

func (r *rule) checkCalendar(e *data.Event, t *trace) bool {
	if r.calendar == nil {
		return true
	}
	on := r.calendar.On(e.Time)
	if t == nil {
		return on
	}
	text := fmt.Sprintf("calendar %d is on at %s", r.CalendarID, e.Time.UTC().Format(time.RFC3339))
	if !on {
		text = fmt.Sprintf("calendar %d is not on at %s", r.CalendarID, e.Time.UTC().Format(time.RFC3339))
		if begin, _, ok := r.calendar.Next(e.Time); ok {
			text += ", only from " + begin.Format(time.RFC3339)
		}
	}
	return t.add("calendar", on, "%s", text)
}

func (r *rule) checkCooldown(e *data.Event, last time.Time, t *trace) bool {
	if last.IsZero() {
		return t.add("cooldown", true, "nothing was told of this device by this rule yet")
	}
	gap := e.Time.Sub(last).Abs()
	return t.add("cooldown", gap >= r.cooldown, "%s lie between this event and the nearest one that was told; it must be %s (cooldownS)", short(gap), short(r.cooldown))
}

// checkUser asks whether an account may be told: it is in use and sees the
// device.
func (n *Notifier) checkUser(ctx context.Context, u *data.User, deviceID int64, now time.Time, t *trace) (bool, error) {
	if !t.add("active", u.Active(now), "the account is in use, not disabled and not expired: %t", u.Active(now)) && t == nil {
		return false, nil
	}
	sees := u.Administrator
	if !sees {
		v, err := n.access.Viewer(ctx, *u)
		if err != nil {
			return false, err
		}
		sees = v.CanSee(deviceID)
	}
	return t.add("sees", sees, "the account may see the device: %t", sees) && u.Active(now), nil
}

// checkChannel asks whether an account can be told by a channel.
func (n *Notifier) checkChannel(ctx context.Context, u *data.User, name string, t *trace) (bool, error) {
	if name == data.ChannelTelegram {
		accounts, err := n.store.TelegramAccounts(ctx, u.ID)
		if err != nil {
			return false, err
		}
		if t != nil { // who asks waits for the bot's answer
			running := n.telegram()
			t.add("bot", running, "a Telegram bot is running: %t", running)
		}
		return t.add("channel", len(accounts) > 0, "telegram: %d Telegram accounts are connected", len(accounts)), nil
	}
	c, ok := n.channels[name]
	if !ok {
		return t.add("channel", false, "%s: this server has no such channel, or it is not set up (mail.host for mail)", name), nil
	}
	if missing := c.Missing(u); missing != "" {
		return t.add("channel", false, "%s: %s", name, missing), nil
	}
	return t.add("channel", true, "%s: set up", name), nil
}

// subjectOf reads what an event is about; nil if the device is gone.
func (n *Notifier) subjectOf(ctx context.Context, e *data.Event) (*subject, error) {
	d, err := n.store.Device(ctx, e.DeviceID)
	if errors.Is(err, data.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &subject{event: e, device: &d}
	if other, ok := e.Attributes.Get("linkedDeviceId").Float(); ok {
		second, err := n.store.Device(ctx, int64(other))
		if err != nil && !errors.Is(err, data.ErrNotFound) {
			return nil, err
		}
		s.other = second.Name
	}
	if e.PositionID == 0 {
		return s, nil
	}
	found, err := n.store.PositionsByID(ctx, []int64{e.PositionID})
	if err == nil && len(found) == 1 && found[0].DeviceID == d.ID {
		s.position = &found[0]
	}
	return s, err
}

// owners are the accounts of a rule.
func (r *rule) owners(all *rules) (out []*data.User) {
	for _, id := range r.users {
		if u := all.users[id]; u != nil {
			out = append(out, u)
		}
	}
	return out
}

func join(ids []int64) string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(text, ",")
}

func short(d time.Duration) string { return d.Round(time.Second).String() }
