package notify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Why says for one event, or one position, why an account was told by a rule or
// was not.
type Why struct {
	// Told tells whether something was sent, Matches whether all conditions hold.
	Told    bool `json:"told"`
	Matches bool `json:"matches"`
	// EventID is the event it is about, 0 if the position made none of the type
	// of the rule.
	EventID    int64       `json:"eventId"`
	Conditions []Condition `json:"conditions"`
	// Deliveries are what the account was told by the rule for the event.
	Deliveries []data.Delivery `json:"-"`
}

// around is how far from a position its events may lie: those that are noticed
// by it may have begun earlier.
const around = 24 * time.Hour

// WhyEvent traces a rule for an event, for an account.
func (n *Notifier) WhyEvent(ctx context.Context, u *data.User, notificationID, eventID int64) (*Why, error) {
	e, err := n.store.Event(ctx, eventID)
	if err != nil {
		return nil, err
	}
	return n.why(ctx, u, notificationID, &e)
}

// WhyPosition traces a rule for the events of a position. If there is none of
// the rule's type, it traces the rest as if there were.
func (n *Notifier) WhyPosition(ctx context.Context, u *data.User, notificationID, positionID int64) (*Why, error) {
	found, err := n.store.PositionsByID(ctx, []int64{positionID})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("find position: %w", data.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	p := &found[0]
	all, err := n.rules(ctx)
	if err != nil {
		return nil, err
	}
	r := all.byID[notificationID]
	if r == nil {
		return nil, errRuleUnknown
	}
	e := data.Event{DeviceID: p.DeviceID, Type: r.Type, Time: p.DeviceTime, ServerTime: p.ServerTime, PositionID: p.ID, Attributes: p.Attributes}
	none := ""
	f := storage.EventFilter{DeviceIDs: []int64{p.DeviceID}, From: p.DeviceTime.Add(-around), To: p.DeviceTime.Add(around)}
	err = n.store.EventsBetween(ctx, f, 0, func(stored *data.Event) error {
		if stored.PositionID != p.ID {
			return nil
		}
		if none += " " + stored.Type; stored.Type == r.Type {
			e = *stored
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	w, err := n.why(ctx, u, notificationID, &e)
	if err != nil || e.ID != 0 {
		return w, err
	}
	if none == "" {
		none = " none"
	}
	missing := Condition{"event", false, fmt.Sprintf("position %d made no event %s; its events:%s; its values: %s", p.ID, r.Type, none, valuesOf(p))}
	w.Matches, w.Conditions = false, append([]Condition{missing}, w.Conditions...)
	return w, nil
}

var (
	errEnough      = errors.New("enough")
	errRuleUnknown = fmt.Errorf("%w: the notification is not understood, or was made a moment ago: save it again, or wait some seconds", data.ErrInvalid)
)

// valuesOf are what events are mostly made from.
func valuesOf(p *data.Position) string {
	text := fmt.Sprintf("valid %t, speed %s km/h", p.Valid, strconv.FormatFloat(p.SpeedKnots*kmhPerKnot, 'f', 1, 64))
	for _, key := range []string{"alarm", "ignition", "motion", "geofenceIds", "speedLimit"} {
		if v := p.Attributes.Get(key); v.Kind() != data.KindNone {
			text += ", " + key + " " + v.String()
		}
	}
	return text
}

func (n *Notifier) why(ctx context.Context, u *data.User, notificationID int64, e *data.Event) (*Why, error) {
	all, err := n.rules(ctx)
	if err != nil {
		return nil, err
	}
	r := all.byID[notificationID]
	if r == nil {
		return nil, errRuleUnknown
	}
	s, err := n.subjectOf(ctx, e)
	if err == nil && s == nil {
		err = fmt.Errorf("find device: %w", data.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	w := &Why{EventID: e.ID, Matches: true}
	t := new(trace)
	// What is old now was young when it came.
	if w.Matches, err = r.match(ctx, n.store, all, s, came(e, n.now()), t); err != nil {
		return nil, err
	}
	owner := false
	for _, id := range r.users {
		owner = owner || id == u.ID
	}
	t.add("owner", owner, "the rule is linked to the account: %t", owner)
	may, err := n.checkUser(ctx, u, e.DeviceID, n.now(), t)
	if err != nil {
		return nil, err
	}
	reachable := false
	for _, channel := range r.channels {
		ok, err := n.checkChannel(ctx, u, channel, t)
		if err != nil {
			return nil, err
		}
		reachable = reachable || ok
	}
	w.Matches = w.Matches && owner && may && reachable
	w.Conditions = t.list
	if e.ID == 0 {
		return w, nil
	}
	w.Deliveries, err = n.store.ListDeliveries(ctx, storage.DeliveryFilter{UserIDs: []int64{u.ID}, EventID: e.ID, NotificationID: r.ID})
	for i := range w.Deliveries {
		w.Told = w.Told || w.Deliveries[i].State == data.DeliverySent
	}
	return w, err
}
