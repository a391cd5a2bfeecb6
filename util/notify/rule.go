package notify

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/storage"
)

// The attributes of a notification that are conditions and settings.
const (
	// attrAlarms and attrGeofences are lists with commas; the event must be about
	// one of them.
	attrAlarms    = "alarms"
	attrGeofences = "geofenceIds"
	// attrDevices is a list with commas: only these devices.
	attrDevices = "deviceIds"
	// attrSeverity is info, warning or alarm.
	attrSeverity = "severity"
	// attrCooldown is how many seconds must lie between two events of a device
	// that are told; 0 is no limit.
	attrCooldown = "cooldownS"
	// attrMaxAge is how many seconds old an event may be: what is older is
	// history, not an alert.
	attrMaxAge = "maxAgeS"
	// attrEscalateAfter is after how many seconds attrEscalateTo are told, if
	// nobody has acknowledged: a list with commas of channels and user ids.
	attrEscalateAfter = "escalateAfterS"
	attrEscalateTo    = "escalateTo"
)

const (
	defaultMaxAge = time.Hour
	// maxSeconds bounds the times in attributes: 30 days.
	maxSeconds = 30 * 24 * 3600
	// maxChoices bounds the lists in attributes, in bytes.
	maxChoices = 4 << 10
	// rulesAge is how long rules are believed without reading them again: the bus
	// may lose the news of a change.
	rulesAge = 30 * time.Second
)

// rule is a notification, ready to be compared with events.
type rule struct {
	data.Notification
	// users own the rule; devices and groups are what it is linked to.
	users           []int64
	devices, groups map[int64]bool
	alarms          []string
	geofences, only []int64
	channels        []string
	severity        string
	cooldown        time.Duration
	maxAge          time.Duration
	escalateAfter   time.Duration
	escalateTo      []string
	calendar        *calendar.Calendar
}

// rules are all rules at one time, and what they are compared by.
type rules struct {
	read   time.Time
	byType map[string][]*rule
	byID   map[int64]*rule
	// parents are the groups that groups lie in.
	parents map[int64]int64
	// fences and maintenances are names by id, drivers by unique id.
	fences, maintenances map[int64]string
	drivers              map[string]string
	users                map[int64]*data.User
	server               data.Server
}

// CheckRule tells what is wrong with the attributes of a notification. Errors
// wrap data.ErrInvalid and are written for people.
func CheckRule(n *data.Notification) error {
	_, err := newRule(n)
	return err
}

func newRule(n *data.Notification) (*rule, error) {
	r := &rule{Notification: *n, devices: make(map[int64]bool), groups: make(map[int64]bool), channels: list(n.Notificators)}
	var err error
	text := func(key string) string {
		v, ok := n.Attributes[key]
		if !ok || v == nil {
			return ""
		}
		s, ok := v.(string)
		if f, isNumber := v.(float64); isNumber {
			s, ok = strconv.FormatFloat(f, 'f', -1, 64), true
		}
		if !ok || len(s) > maxChoices {
			err = fmt.Errorf("%w: the attribute %s must be a text of at most %d bytes", data.ErrInvalid, key, maxChoices)
		}
		return s
	}
	ids := func(key string) (out []int64) {
		for _, part := range list(text(key)) {
			id, e := strconv.ParseInt(part, 10, 64)
			if e != nil {
				err = fmt.Errorf("%w: the attribute %s must be ids with commas between them", data.ErrInvalid, key)
			}
			out = append(out, id)
		}
		return out
	}
	seconds := func(key string, otherwise time.Duration) time.Duration {
		s := text(key)
		if s == "" {
			return otherwise
		}
		f, e := strconv.ParseFloat(s, 64)
		if e != nil || math.IsNaN(f) || f < 0 || f > maxSeconds {
			err = fmt.Errorf("%w: the attribute %s must be 0 to %d seconds", data.ErrInvalid, key, maxSeconds)
			return otherwise
		}
		return time.Duration(f * float64(time.Second))
	}
	r.alarms, r.geofences, r.only = list(text(attrAlarms)), ids(attrGeofences), ids(attrDevices)
	r.cooldown, r.maxAge, r.escalateAfter = seconds(attrCooldown, 0), seconds(attrMaxAge, defaultMaxAge), seconds(attrEscalateAfter, 0)
	r.escalateTo = list(text(attrEscalateTo))
	if r.severity = text(attrSeverity); r.severity == "" {
		r.severity = defaultSeverity(n.Type)
	}
	if !slices.Contains([]string{data.SeverityInfo, data.SeverityWarning, data.SeverityAlarm}, r.severity) {
		err = fmt.Errorf("%w: the attribute %s must be info, warning or alarm", data.ErrInvalid, attrSeverity)
	}
	return r, err
}

func defaultSeverity(eventType string) string {
	switch eventType {
	case data.EventAlarm, data.EventUnaccompaniedMotion:
		return data.SeverityAlarm
	case data.EventDeviceOverspeed, data.EventDeviceFuelDrop, data.EventGeofenceMissing, data.EventDeviceInactive, data.EventMaintenance:
		return data.SeverityWarning
	}
	return data.SeverityInfo
}

// list splits at commas.
func list(s string) (out []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// rules returns the rules, at most a little old.
func (n *Notifier) rules(ctx context.Context) (*rules, error) {
	n.mu.Lock()
	have, began := n.cached, n.changes
	n.mu.Unlock()
	now := n.now()
	if have != nil && now.Sub(have.read) < rulesAge {
		return have, nil
	}
	r, err := readRules(ctx, n.store, n.log.Warn)
	if err != nil {
		return nil, err
	}
	r.read = now
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changes == began {
		n.cached = r
	}
	return r, nil
}

func readRules(ctx context.Context, s Store, warn func(string, ...any)) (*rules, error) {
	r := &rules{
		byType: make(map[string][]*rule), byID: make(map[int64]*rule), parents: make(map[int64]int64),
		users: make(map[int64]*data.User), drivers: make(map[string]string),
	}
	notifications, err := storage.ListObjects[data.Notification, *data.Notification](ctx, s, storage.ObjectFilter{})
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	calendars, err := readCalendars(ctx, s, warn)
	if err != nil {
		return nil, err
	}
	for i := range notifications {
		one, err := newRule(&notifications[i])
		if err != nil {
			warn("a notification is not understood and tells nobody", "notification", notifications[i].ID, "err", err)
			continue
		}
		if one.calendar = calendars[one.CalendarID]; one.CalendarID != 0 && one.calendar == nil {
			one.calendar = new(calendar.Calendar) // never on
		}
		r.byID[one.ID], r.byType[one.Type] = one, append(r.byType[one.Type], one)
	}
	if err := r.readLinks(ctx, s); err != nil {
		return nil, err
	}
	return r, r.readNames(ctx, s)
}

func readCalendars(ctx context.Context, s Store, warn func(string, ...any)) (map[int64]*calendar.Calendar, error) {
	all, err := storage.ListObjects[data.Calendar, *data.Calendar](ctx, s, storage.ObjectFilter{})
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	out := make(map[int64]*calendar.Calendar, len(all))
	for i := range all {
		c, err := calendar.Parse(all[i].Data)
		if err != nil {
			warn("a calendar is not understood and is never on", "calendar", all[i].ID, "err", err)
			continue
		}
		out[all[i].ID] = c
	}
	return out, nil
}

func (r *rules) readLinks(ctx context.Context, s Store) error {
	for _, owner := range []data.ObjectKind{data.UserKind, data.DeviceKind, data.GroupKind} {
		links, err := s.ListLinks(ctx, storage.LinkFilter{Owner: owner, Property: data.NotificationKind})
		if err != nil {
			return fmt.Errorf("read links of notifications: %w", err)
		}
		for _, l := range links {
			one := r.byID[l.PropertyID]
			if one == nil {
				continue
			}
			switch owner {
			case data.UserKind:
				one.users = append(one.users, l.OwnerID)
			case data.DeviceKind:
				one.devices[l.OwnerID] = true
			default:
				one.groups[l.OwnerID] = true
			}
		}
	}
	return nil
}

func (r *rules) readNames(ctx context.Context, s Store) error {
	groups, err := s.Documents(ctx, storage.ObjectFilter{Kind: data.GroupKind})
	if err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	for i := range groups {
		r.parents[groups[i].ID] = groups[i].GroupID
	}
	if r.fences, err = namesOf(ctx, s, data.GeofenceKind); err != nil {
		return err
	}
	if r.maintenances, err = namesOf(ctx, s, data.MaintenanceKind); err != nil {
		return err
	}
	drivers, err := storage.ListObjects[data.Driver, *data.Driver](ctx, s, storage.ObjectFilter{})
	if err != nil {
		return fmt.Errorf("read drivers: %w", err)
	}
	for i := range drivers {
		r.drivers[drivers[i].UniqueID] = drivers[i].Name
	}
	users, err := s.ListUsers(ctx)
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	for i := range users {
		r.users[users[i].ID] = &users[i]
	}
	if r.server, err = s.Server(ctx); err != nil {
		return fmt.Errorf("read server settings: %w", err)
	}
	return nil
}

// namesOf are the names of a kind of thing, by id.
func namesOf(ctx context.Context, s Store, kind data.ObjectKind) (map[int64]string, error) {
	all, err := s.Documents(ctx, storage.ObjectFilter{Kind: kind})
	if err != nil {
		return nil, fmt.Errorf("read names of each %s: %w", kind, err)
	}
	out := make(map[int64]string, len(all))
	for i := range all {
		out[all[i].ID] = all[i].Name
	}
	return out, nil
}
