package api

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/computed"
	"github.com/waymark-gps/waymark/util/geo/wkt"
	"github.com/waymark-gps/waymark/util/notify"
)

const (
	maxName = 128
	maxText = 4 << 10
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
	s.notificationRoutes(r)
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
	if len(c.Data) == 0 {
		return invalid("the calendar is empty: send an iCalendar file (.ics) as base64 in data")
	}
	_, err := calendar.Parse(c.Data)
	return err
}

func checkAttribute(a *data.ComputedAttribute) error {
	if err := clean("the description", &a.Description, maxText, false); err != nil {
		return err
	}
	if err := clean("the attribute", &a.Attribute, maxName, true); err != nil {
		return err
	}
	a.Expression = strings.TrimSpace(a.Expression)
	return computed.Check(a)
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

func checkReport(r *data.ScheduledReport) error {
	if err := clean("the description", &r.Description, maxText, true); err != nil {
		return err
	}
	if !slices.Contains(reportNames, r.Type) {
		return invalid("the type must be one of %s", strings.Join(reportNames, ", "))
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
	return notify.CheckRule(n)
}
