package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/notify"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// maxDeliveries bounds an answer; who needs more asks for those before the last.
	maxDeliveries     = 1000
	defaultDeliveries = 100
	// maxAnnouncement bounds the text of an announcement, in characters.
	maxAnnouncement = 4000

	actionAnnounce    = "announce"
	actionAcknowledge = "acknowledge"
)

// notificationRoutes are those of telling people things.
func (s *Server) notificationRoutes(r chi.Router) {
	r.Get("/notifications/types", s.handle(s.getNotificationTypes))
	r.Get("/notifications/notificators", s.handle(s.getNotificators))
	r.Post("/notifications/test", s.handle(s.testNotification))
	r.Post("/notifications/test/{notificator}", s.handle(s.testNotification))
	r.Post("/notifications/send/{notificator}", s.handle(s.sendAnnouncement))
	r.Get("/notifications/deliveries", s.handle(s.getDeliveries))
	r.Post("/notifications/deliveries/{id}/acknowledge", s.handle(s.acknowledgeDelivery))
	r.Get("/notifications/{id}/why", s.handle(s.getWhy))
	resource[data.Notification, *data.Notification]{s: s, check: checkNotification}.routes(r, "/notifications")
}

// appendTypes appends [{"type":…}].
func appendTypes(types []string) []byte {
	return appendList(nil, len(types), func(b []byte, i int) []byte {
		b = append(b, `{"type":`...)
		return append(data.AppendJSONString(b, types[i]), '}')
	})
}

// getNotificationTypes lists the types of events.
func (s *Server) getNotificationTypes(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, appendTypes(data.EventTypes))
}

// getNotificators lists the ways to tell people something; with ?announcement
// those that reach people who are not looking.
func (s *Server) getNotificators(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	announcement, err := q.flag("announcement")
	if err != nil {
		return err
	}
	names := s.deps.Notifier.Channels()
	if announcement {
		names = slices.DeleteFunc(names, func(name string) bool { return name == data.ChannelCommand || name == data.ChannelWeb })
	}
	return writeJSON(w, appendTypes(names))
}

// testNotification sends the sender a test message: one way, or every way that
// the account has set up.
func (s *Server) testNotification(w http.ResponseWriter, r *http.Request) error {
	u := identityOf(r).user
	names := []string{chi.URLParam(r, "notificator")}
	if names[0] == "" {
		var err error
		if names, err = s.deps.Notifier.Usable(r.Context(), &u); err != nil {
			return err
		}
	}
	message, err := s.deps.Notifier.TestMessage(r.Context(), &u)
	if err != nil {
		return err
	}
	var problems []string
	for _, name := range names {
		err := s.deps.Notifier.SendNow(r.Context(), &u, name, message)
		if err != nil && !errors.Is(err, data.ErrInvalid) {
			return err
		}
		if err != nil {
			problems = append(problems, textOf(err, data.ErrInvalid, "it failed"))
		}
	}
	if len(problems) > 0 {
		return invalid("%s", strings.Join(problems, "\n"))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// announcementBody is what clients send of an announcement. Digest is a shorter
// text for channels that want one; no channel here does.
type announcementBody struct {
	Subject  string `json:"subject"`
	Digest   string `json:"digest"`
	Body     string `json:"body"`
	Priority bool   `json:"priority"`
}

// sendAnnouncement tells accounts something one way: those of userId, or all
// that the sender manages.
func (s *Server) sendAnnouncement(w http.ResponseWriter, r *http.Request) error {
	v := viewerOf(r)
	if !v.Manager() || v.Readonly() {
		return fmt.Errorf("%w: only those who manage accounts may send announcements", data.ErrDenied)
	}
	var body announcementBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	message, err := announcement(&body)
	if err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	ids, err := q.ids("userId")
	if err != nil {
		return err
	}
	users, err := s.announced(r.Context(), v.IDs(data.UserKind), ids)
	if err != nil {
		return err
	}
	name := chi.URLParam(r, "notificator")
	told, err := s.deps.Notifier.Announce(r.Context(), users, name, message)
	if err != nil {
		return err
	}
	if told == 0 {
		return invalid("none of these accounts has set up %.32s: nobody was told", name)
	}
	s.record(r, actionAnnounce, data.UserKind, 0, map[string]any{"notificator": name, "subject": message.Subject, "accounts": told})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func announcement(body *announcementBody) (a notify.Announcement, err error) {
	if a.Subject, err = text("the subject", &body.Subject, maxName); err != nil {
		return a, err
	}
	// The text may have lines, and nothing else that is no text.
	lines := strings.Split(strings.ReplaceAll(body.Body, "\r\n", "\n"), "\n")
	for i := range lines {
		if lines[i], err = text("the body", &lines[i], maxAnnouncement); err != nil {
			return a, err
		}
	}
	a.Text = strings.TrimSpace(strings.Join(lines, "\n"))
	if len([]rune(a.Text)) > maxAnnouncement {
		return a, invalid("the body is longer than %d characters", maxAnnouncement)
	}
	if a.Subject == "" && a.Text == "" {
		return a, invalid("there is nothing to say: send subject and body")
	}
	if a.Severity = data.SeverityInfo; body.Priority {
		a.Severity = data.SeverityWarning
	}
	return a, nil
}

// announced are the accounts with the ids, or all of seen; nil for seen is
// everybody. One that is not among them does not exist.
func (s *Server) announced(ctx context.Context, seen, ids []int64) ([]data.User, error) {
	all, err := s.deps.Store.ListUsers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	all = slices.DeleteFunc(all, func(u data.User) bool {
		return (seen != nil && !slices.Contains(seen, u.ID)) || (len(ids) > 0 && !slices.Contains(ids, u.ID))
	})
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) > 0 && len(all) != len(ids) {
		return nil, errNoSuchObject
	}
	return all, nil
}

// getDeliveries lists who was told what, the last first: the own ones, those of
// ?userId, or as an administrator all. ?notificationId ?eventId ?deviceId ?from
// ?to ?limit, and ?before with the last id of the page before.
func (s *Server) getDeliveries(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	f, err := s.deliveryFilter(r, q)
	if err != nil {
		return err
	}
	list, err := s.deps.Store.ListDeliveries(r.Context(), f)
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	return writeJSON(w, appendDeliveries(nil, list))
}

func appendDeliveries(b []byte, list []data.Delivery) []byte {
	return appendList(b, len(list), func(b []byte, i int) []byte { return list[i].AppendJSON(b) })
}

func (s *Server) deliveryFilter(r *http.Request, q query) (f storage.DeliveryFilter, err error) {
	var limit, userID int64
	for name, to := range map[string]*int64{
		"notificationId": &f.NotificationID, "eventId": &f.EventID, "deviceId": &f.DeviceID, "before": &f.Before, "limit": &limit, "userId": &userID,
	} {
		if *to, err = q.number(name); err != nil {
			return f, err
		}
	}
	if f.From, f.To, err = q.period(); err != nil {
		return f, err
	}
	if f.Limit = int(min(limit, maxDeliveries)); f.Limit == 0 {
		f.Limit = defaultDeliveries
	}
	v := viewerOf(r)
	switch {
	case userID != 0 && !v.CanSeeUser(userID):
		return f, errNoSuchObject
	case userID != 0:
		f.UserIDs = []int64{userID}
	case !v.Administrator():
		f.UserIDs = []int64{v.User.ID}
	}
	return f, nil
}

// acknowledgeDelivery says that somebody has seen what a delivery is about, so
// that nobody else need be told.
func (s *Server) acknowledgeDelivery(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	d, err := s.deps.Store.Delivery(r.Context(), id)
	if err != nil {
		return hidden(err)
	}
	v := viewerOf(r)
	if d.UserID != v.User.ID && !v.CanSeeUser(d.UserID) {
		return errNoSuchObject
	}
	if err := s.deps.Store.AcknowledgeDelivery(r.Context(), id, v.User.ID, s.deps.Now()); err != nil {
		return hidden(err)
	}
	s.record(r, actionAcknowledge, data.NotificationKind, d.NotificationID, map[string]any{"delivery": id, "eventId": d.EventID})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// getWhy says why the sender (or ?userId) was told by a notification or was not:
// of an event (?eventId) or of a position (?positionId).
func (s *Server) getWhy(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	if !v.Sees(data.NotificationKind, id) {
		return errNoSuchObject
	}
	if _, err := storage.FindObject[data.Notification, *data.Notification](r.Context(), s.deps.Store, id); err != nil {
		return hidden(err)
	}
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	u, err := s.whoAsks(r, q)
	if err != nil {
		return err
	}
	why, err := s.trace(r, q, &u, id)
	if err != nil {
		return hidden(err)
	}
	b, err := json.Marshal(why)
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	b = append(b[:len(b)-1], `,"deliveries":`...)
	return writeJSON(w, append(appendDeliveries(b, why.Deliveries), '}'))
}

// whoAsks is the sender, or the account that it asks for.
func (s *Server) whoAsks(r *http.Request, q query) (data.User, error) {
	v := viewerOf(r)
	userID, err := q.number("userId")
	if err != nil || userID == 0 || userID == v.User.ID {
		return v.User, err
	}
	if !v.CanSeeUser(userID) {
		return data.User{}, errNoSuchObject
	}
	u, err := s.deps.Store.User(r.Context(), userID)
	return u, hidden(err)
}

// trace traces a rule for what the query names, if the sender may see it.
func (s *Server) trace(r *http.Request, q query, u *data.User, id int64) (*notify.Why, error) {
	v := viewerOf(r)
	eventID, err := q.number("eventId")
	if err != nil {
		return nil, err
	}
	positionID, err := q.number("positionId")
	if err != nil {
		return nil, err
	}
	switch {
	case (eventID == 0) == (positionID == 0):
		return nil, invalid("say which event or which position: eventId or positionId")
	case eventID != 0:
		e, err := s.deps.Store.Event(r.Context(), eventID)
		if err != nil {
			return nil, err
		}
		if !v.CanSee(e.DeviceID) {
			return nil, errNoSuchObject
		}
		return s.deps.Notifier.WhyEvent(r.Context(), u, id, eventID)
	}
	found, err := s.deps.Store.PositionsByID(r.Context(), []int64{positionID})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || !v.CanSee(found[0].DeviceID) {
		return nil, errNoSuchObject
	}
	return s.deps.Notifier.WhyPosition(r.Context(), u, id, positionID)
}
