package api

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

const (
	maxName       = 128
	maxText       = 4 << 10
	maxCalendar   = 128 << 10
	maxExpression = 4 << 10
)

// objectRoutes are those of everything that is a document to the store.
func (s *Server) objectRoutes(r chi.Router) {
	resource[data.Group, *data.Group]{s: s, check: checkGroup}.routes(r, "/groups")
	resource[data.Geofence, *data.Geofence]{s: s, check: checkGeofence}.routes(r, "/geofences")
	resource[data.Calendar, *data.Calendar]{s: s, check: checkCalendar}.routes(r, "/calendars")
	resource[data.ComputedAttribute, *data.ComputedAttribute]{s: s, check: checkAttribute}.routes(r, "/attributes/computed")
	resource[data.Driver, *data.Driver]{s: s, check: checkDriver}.routes(r, "/drivers")
	resource[data.Maintenance, *data.Maintenance]{s: s, check: checkMaintenance}.routes(r, "/maintenance")
	resource[data.Order, *data.Order]{s: s, check: checkOrder}.routes(r, "/orders")
	resource[data.ScheduledReport, *data.ScheduledReport]{s: s, check: checkReport}.routes(r, "/reports")
	r.Get("/notifications/types", s.handle(s.getNotificationTypes))
	r.Get("/notifications/notificators", s.handle(s.getNotificators))
	r.Post("/notifications/test", s.handle(s.testNotification))
	r.Post("/notifications/test/{notificator}", s.handle(s.testNotification))
	resource[data.Notification, *data.Notification]{s: s, check: checkNotification}.routes(r, "/notifications")
}

// clean cleans a text in place; required ones must not be empty.
func clean[T ~string](what string, v *T, maxRunes int, required bool) error {
	plain := string(*v)
	cleaned, err := text(what, &plain, maxRunes)
	if err != nil {
		return err
	}
	if *v = T(cleaned); required && cleaned == "" {
		return invalid("%s is missing", what)
	}
	return nil
}

func checkGroup(g *data.Group) error { return clean("the name", &g.Name, maxName, true) }

func checkGeofence(g *data.Geofence) error {
	if g.Area = strings.TrimSpace(g.Area); g.Area == "" {
		return invalid("the area is missing: draw one, or write it like CIRCLE (52.5 13.4, 250)")
	}
	if _, err := wkt.Parse(g.Area); err != nil {
		return err
	}
	if err := clean("the name", &g.Name, maxName, true); err != nil {
		return err
	}
	return clean("the description", &g.Description, maxText, false)
}

// checkCalendar refuses what is no iCalendar with an event.
func checkCalendar(c *data.Calendar) error {
	if err := clean("the name", &c.Name, maxName, true); err != nil {
		return err
	}
	switch {
	case len(c.Data) == 0:
		return invalid("the calendar is empty: send an iCalendar file (.ics) as base64 in data")
	case len(c.Data) > maxCalendar:
		return invalid("the calendar is larger than %d KiB", maxCalendar>>10)
	}
	return checkEvents(c.Data)
}

// checkEvents reads an iCalendar file. The library has panics for some of what
// is none.
func checkEvents(file []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = invalid("data is not an iCalendar file")
		}
	}()
	decoded, err := ical.NewDecoder(bytes.NewReader(file)).Decode()
	if err != nil {
		return invalid("data is not an iCalendar file: %v", err)
	}
	events := decoded.Events()
	if len(events) == 0 {
		return invalid("there is no event in the calendar: nothing would ever apply")
	}
	for i := range events {
		if err := checkEvent(&events[i]); err != nil {
			return invalid("event %d of the calendar: %v", i+1, err)
		}
	}
	return nil
}

func checkEvent(e *ical.Event) error {
	start, err := e.DateTimeStart(time.UTC)
	if err != nil {
		return fmt.Errorf("its begin (DTSTART) is not understood: %w", err)
	}
	if start.IsZero() {
		return errors.New("its begin (DTSTART) is missing")
	}
	end, err := e.DateTimeEnd(time.UTC)
	if err != nil {
		return fmt.Errorf("its end (DTEND or DURATION) is not understood: %w", err)
	}
	if end.Before(start) {
		return errors.New("it ends before it begins")
	}
	if _, err := e.Props.RecurrenceRule(); err != nil {
		return fmt.Errorf("its repetition (RRULE) is not understood: %w", err)
	}
	return nil
}

func checkAttribute(a *data.ComputedAttribute) error {
	if err := clean("the description", &a.Description, maxText, false); err != nil {
		return err
	}
	if err := clean("the attribute", &a.Attribute, maxName, true); err != nil {
		return err
	}
	if a.Expression = strings.TrimSpace(a.Expression); a.Expression == "" || len(a.Expression) > maxExpression {
		return invalid("the expression must have 1 to %d bytes", maxExpression)
	}
	if !slices.Contains([]string{"string", "number", "boolean"}, a.Type) {
		return invalid("the type must be string, number or boolean")
	}
	return nil
}

func checkDriver(d *data.Driver) error {
	if err := clean("the name", &d.Name, maxName, true); err != nil {
		return err
	}
	return clean("the identifier (uniqueId)", &d.UniqueID, maxUniqueID, true)
}

func checkMaintenance(m *data.Maintenance) error {
	if err := clean("the name", &m.Name, maxName, true); err != nil {
		return err
	}
	if err := clean("the type", &m.Type, maxName, true); err != nil {
		return err
	}
	if m.Period < 0 || m.Start < 0 || math.IsInf(float64(m.Start+m.Period), 0) {
		return invalid("start and period must not be negative")
	}
	return nil
}

func checkOrder(o *data.Order) error {
	if err := clean("the identifier (uniqueId)", &o.UniqueID, maxUniqueID, true); err != nil {
		return err
	}
	for _, t := range []*data.Text{&o.Description, &o.FromAddress, &o.ToAddress} {
		if err := clean("the description or an address", t, maxText, false); err != nil {
			return err
		}
	}
	return nil
}

// reportTypes are the reports there can be.
var reportTypes = []string{"combined", "devices", "events", "geofences", "route", "stops", "summary", "trips"}

func checkReport(r *data.ScheduledReport) error {
	if err := clean("the description", &r.Description, maxText, true); err != nil {
		return err
	}
	if !slices.Contains(reportTypes, r.Type) {
		return invalid("the type must be one of %s", strings.Join(reportTypes, ", "))
	}
	if r.CalendarID == 0 {
		return invalid("the calendar (calendarId) is missing: it says when the report is made")
	}
	return nil
}

// notificatorName is a way to send something.
var notificatorName = regexp.MustCompile(`^[a-zA-Z]{1,32}$`)

func checkNotification(n *data.Notification) error {
	if !slices.Contains(data.EventTypes, n.Type) {
		return invalid("there is no type of event %q; see /api/notifications/types", n.Type)
	}
	if err := clean("the description", &n.Description, maxText, false); err != nil {
		return err
	}
	var names []string
	for name := range strings.SplitSeq(n.Notificators, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !notificatorName.MatchString(name) {
			return invalid("notificators must be names with commas between them, like web,telegram")
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return invalid("notificators is empty: nobody would be told; see /api/notifications/notificators")
	}
	if n.Notificators = strings.Join(names, ","); slices.Contains(names, "command") && n.CommandID == 0 {
		return invalid("the notificator command needs a saved command (commandId)")
	}
	return nil
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
	var names []string
	if !announcement {
		names = append(names, "command", "web")
	}
	if s.deps.BotUsername() != "" {
		names = append(names, "telegram")
	}
	return writeJSON(w, appendTypes(names))
}

// testNotification says what can be said: this server sends no test messages.
func (s *Server) testNotification(http.ResponseWriter, *http.Request) error {
	return invalid("this server cannot send test messages: nothing was sent")
}
