package reporting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/report"
	"github.com/waymark-gps/waymark/util/report/sheet"
	"github.com/waymark-gps/waymark/util/storage"
)

const (
	// scheduleEvery is how often it is looked whether a report is due.
	scheduleEvery = time.Minute
	// firstRetry is the pause after a failure, which doubles up to lastRetry;
	// after maxAttempts, some hours, the period is given up.
	firstRetry  = time.Minute
	lastRetry   = time.Hour
	maxAttempts = 12
	// attributePeriod divides the span of a scheduled report, as ?period does.
	attributePeriod = "period"
)

// Schedule sends scheduled reports until ctx ends. At each begin of an event of
// its calendar a report is made of the time since the begin before, and sent to
// the users it is linked to: of the devices and groups that are linked to it, as
// far as the user sees them, or of all that the user sees if there are none.
//
// What was sent is written down, so that nothing is left out or sent twice
// after a restart; should we end between the two, the mail comes again with the
// same Message-ID. One process at a time calls Schedule.
func (s *Service) Schedule(ctx context.Context) error {
	tick := time.NewTicker(scheduleEvery)
	defer tick.Stop()
	for {
		if err := s.sendDue(ctx); err != nil && ctx.Err() == nil {
			s.deps.Log.Error("scheduled reports not looked after, trying again in a minute", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// scheduled is a report with what belongs to it.
type scheduled struct {
	data.ScheduledReport
	users, devices, groups []int64
	// file is that of the calendar.
	file []byte
}

// sendDue sends what is due.
func (s *Service) sendDue(ctx context.Context) error {
	reports, err := s.scheduled(ctx)
	if err != nil {
		return err
	}
	runs, err := s.deps.Store.ReportRuns(ctx, 0)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	known := map[[2]int64]data.ReportRun{}
	for _, r := range runs {
		known[[2]int64{r.ReportID, r.UserID}] = r
	}
	var failed []error
	for i := range reports {
		r := &reports[i]
		for _, userID := range r.users {
			run, ok := known[[2]int64{r.ID, userID}]
			if !ok { // it counts from now on
				run = data.ReportRun{ReportID: r.ID, UserID: userID, Until: s.deps.Now()}
				failed = append(failed, s.note(ctx, run))
				continue
			}
			failed = append(failed, s.advance(ctx, r, run))
		}
	}
	return errors.Join(failed...)
}

// scheduled are the reports that have a calendar, with what is linked to them.
func (s *Service) scheduled(ctx context.Context) ([]scheduled, error) {
	found, err := storage.ListObjects[data.ScheduledReport](ctx, s.deps.Store, storage.ObjectFilter{})
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	calendars, err := storage.ListObjects[data.Calendar](ctx, s.deps.Store, storage.ObjectFilter{})
	if err != nil {
		return nil, fmt.Errorf("list calendars: %w", err)
	}
	files := map[int64][]byte{}
	for i := range calendars {
		files[calendars[i].ID] = calendars[i].Data
	}
	links, err := s.deps.Store.ListLinks(ctx, storage.LinkFilter{Property: data.ReportKind})
	if err != nil {
		return nil, fmt.Errorf("list links of reports: %w", err)
	}
	var out []scheduled
	for i := range found {
		file, ok := files[found[i].CalendarID]
		if !ok {
			continue
		}
		one := scheduled{ScheduledReport: found[i], file: file}
		for _, l := range links {
			if l.PropertyID != one.ID {
				continue
			}
			switch l.Owner {
			case data.UserKind:
				one.users = append(one.users, l.OwnerID)
			case data.DeviceKind:
				one.devices = append(one.devices, l.OwnerID)
			case data.GroupKind:
				one.groups = append(one.groups, l.OwnerID)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// advance sends the periods that have ended since the last one.
func (s *Service) advance(ctx context.Context, r *scheduled, run data.ReportRun) error {
	if run.NextAt.After(s.deps.Now()) {
		return nil
	}
	cal, err := s.calendar(ctx, r, run.UserID)
	if err != nil {
		return s.failed(ctx, run, time.Time{}, err)
	}
	for ctx.Err() == nil {
		begin, _, ok := cal.Next(run.Until)
		if !ok || begin.After(s.deps.Now()) {
			return nil
		}
		from := previous(cal, begin)
		// Both ends are included: the begin itself is of the next period.
		if err := s.sendPeriod(ctx, r, run.UserID, from, begin.Add(-time.Millisecond)); err != nil {
			return s.failed(ctx, run, begin, err)
		}
		run = data.ReportRun{ReportID: run.ReportID, UserID: run.UserID, Until: begin, SentAt: s.deps.Now()}
		if err := s.note(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// calendar reads a report's calendar. Times without a zone are those of the user.
func (s *Service) calendar(ctx context.Context, r *scheduled, userID int64) (*calendar.Calendar, error) {
	u, err := s.deps.Store.User(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("find user %d: %w", userID, err)
	}
	server, err := s.deps.Store.Server(ctx)
	if err != nil {
		return nil, fmt.Errorf("read server settings: %w", err)
	}
	return calendar.ParseIn(r.file, sheet.Of(u.Attributes, server.Attributes).Zone)
}

// sendPeriod sends a report of a period to a user.
func (s *Service) sendPeriod(ctx context.Context, r *scheduled, userID int64, from, to time.Time) error {
	format, err := sheet.Named("xlsx")
	if err != nil {
		return err
	}
	id := fmt.Sprintf("report-%d-%d-%d", r.ID, userID, to.UnixMilli())
	return s.sendTo(ctx, userID, id, format, func(v *access.Viewer) (Ask, error) {
		a := Ask{Report: r.Type, From: from, To: to}
		a.DeviceIDs = slices.DeleteFunc(slices.Clone(r.devices), func(id int64) bool { return !v.CanSee(id) })
		a.GroupIDs = slices.DeleteFunc(slices.Clone(r.groups), func(id int64) bool { return !v.Sees(data.GroupKind, id) })
		if len(r.devices)+len(r.groups) > 0 && len(a.DeviceIDs)+len(a.GroupIDs) == 0 {
			return a, errNoneSeen
		}
		if period, _ := r.Attributes[attributePeriod].(string); period != "" {
			a.Period, err = report.ParsePeriod(period)
		}
		return a, err
	})
}

var errNoneSeen = fmt.Errorf("%w: the account may see none of the devices and groups of the report", data.ErrDenied)

// failed writes down that a report could not be sent, and when it is tried
// again. What another try does not help is given up: until is the end of the
// period, zero if it is not known.
func (s *Service) failed(ctx context.Context, run data.ReportRun, until time.Time, err error) error {
	if ctx.Err() != nil {
		return nil // we end; the next one tries
	}
	run.Attempts++
	run.Error = strings.TrimPrefix(err.Error(), data.ErrInvalid.Error()+": ")
	run.NextAt = s.deps.Now().Add(min(firstRetry<<min(run.Attempts-1, 10), lastRetry))
	given := !retriable(err) || run.Attempts >= maxAttempts
	if given && !until.IsZero() {
		run.Until, run.NextAt = until, time.Time{}
	}
	s.deps.Log.Error("scheduled report not sent", "report", run.ReportID, "user", run.UserID, "attempt", run.Attempts, "given_up", given, "err", err)
	return s.note(ctx, run)
}

// note writes a run down. A report or user that has gone meanwhile is no error.
func (s *Service) note(ctx context.Context, run data.ReportRun) error {
	err := s.deps.Store.PutReportRun(ctx, run)
	if errors.Is(err, data.ErrNotFound) {
		return nil
	}
	return err
}

// maxEvents bounds the search for the event before.
const maxEvents = 10_000

// previous is the begin of the event before the one that begins at a time. Before
// the first one it is as long ago as the second one is ahead, a day if there
// is none.
func previous(c *calendar.Calendar, begin time.Time) time.Time {
	for _, days := range []int{2, 9, 33, 367} {
		var last time.Time
		at := begin.AddDate(0, 0, -days)
		for range maxEvents {
			b, _, ok := c.Next(at)
			if !ok || !b.Before(begin) {
				break
			}
			last, at = b, b
		}
		if !last.IsZero() {
			return last
		}
	}
	if next, _, ok := c.Next(begin); ok {
		return begin.Add(-next.Sub(begin))
	}
	return begin.AddDate(0, 0, -1)
}
