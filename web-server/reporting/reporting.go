// Package reporting makes reports for people: it chooses what they may see, in
// their time zone and units, and sends reports by mail, when somebody asks for
// it or when a calendar says so.
package reporting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/report"
	"github.com/waymark-gps/waymark/util/report/sheet"
	"github.com/waymark-gps/waymark/util/storage"
)

// Mailer sends mail.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Deps are the parts a Service works with.
type Deps struct {
	Store storage.Store
	Maker *report.Maker
	// Access says who may see what.
	Access *access.Service
	// Mail sends mail; nil where none is sent.
	Mail Mailer
	Log  *slog.Logger
	Now  func() time.Time
}

// Service makes and sends reports.
type Service struct {
	deps Deps
	jobs chan job
}

// New makes a Service.
func New(deps Deps) *Service { return &Service{deps: deps, jobs: make(chan job, maxJobs)} }

// Ask is what somebody asks for.
type Ask struct {
	// Report is the name of a report, or report.Combined.
	Report string
	// DeviceIDs and GroupIDs: only these devices, and those in these groups and the
	// groups within them; nothing in both is every device that one sees.
	DeviceIDs, GroupIDs []int64
	From, To            time.Time
	Period              report.Period
	Types, Alarms       []string
}

var (
	// ErrNoSuchObject is said of what does not exist and of what may not be seen.
	ErrNoSuchObject = fmt.Errorf("%w: there is no such object, or you may not see it", data.ErrNotFound)

	errNoReports = fmt.Errorf("%w: your account may not make reports", data.ErrDenied)
	errOneTable  = fmt.Errorf("%w: a CSV file has room for one table, and this report has several: ask for JSON or XLSX", data.ErrInvalid)
)

// Job is a report that is ready to be written.
type Job struct {
	service  *Service
	ask      report.Ask
	reports  []report.Report
	combined bool
	format   sheet.Format
	settings sheet.Settings
	// Name is what the file is called, without its end.
	Name string
}

// Prepare checks what somebody asks for, and that they may have it.
func (s *Service) Prepare(ctx context.Context, v *access.Viewer, a Ask, format sheet.Format) (*Job, error) {
	if v.DisableReports() {
		return nil, errNoReports
	}
	j := &Job{service: s, format: format, combined: a.Report == report.Combined}
	names := []string{a.Report}
	if j.combined {
		names = report.Workbook
	}
	for _, name := range names {
		r, err := report.Named(name)
		if err != nil {
			return nil, err
		}
		j.reports = append(j.reports, r)
	}
	if j.combined && format.Name == "csv" {
		return nil, errOneTable
	}
	server, err := s.deps.Store.Server(ctx)
	if err != nil {
		return nil, fmt.Errorf("read server settings: %w", err)
	}
	preferences := []map[string]any{v.User.Attributes, server.Attributes}
	if server.ForceSettings {
		slices.Reverse(preferences)
	}
	j.settings = sheet.Of(preferences...)
	j.ask = report.Ask{From: a.From, To: a.To, Period: a.Period, Zone: j.settings.Zone, Types: a.Types, Alarms: a.Alarms}
	if j.ask.Devices, err = s.choose(ctx, v, a.DeviceIDs, a.GroupIDs); err != nil {
		return nil, err
	}
	j.Name = j.name(a.Report)
	return j, s.addNames(ctx, v, &j.ask)
}

// Write writes the report as a file, in one go: it reads while it writes.
func (j *Job) Write(ctx context.Context, w io.Writer) error {
	m := j.service.deps.Maker
	if j.combined && !j.format.Several {
		return m.WriteCombined(ctx, j.ask, w)
	}
	file := j.format.New(w, j.settings)
	for i := range j.reports {
		if err := file.Begin(&j.reports[i]); err != nil {
			return err
		}
		if err := m.Rows(ctx, j.reports[i], j.ask, file.Row); err != nil {
			return err
		}
	}
	return file.Close()
}

// name is what the file is called: the report, the device if it is one, the days.
func (j *Job) name(report string) string {
	const day = "2006-01-02"
	parts := []string{report}
	if len(j.ask.Devices) == 1 {
		parts = append(parts, strings.Trim(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_.", r) {
				return r
			}
			return '_'
		}, j.ask.Devices[0].Name), " ."))
	}
	if !j.ask.From.IsZero() {
		first, last := j.ask.From.In(j.ask.Zone).Format(day), j.ask.To.In(j.ask.Zone).Format(day)
		if parts = append(parts, first); last != first {
			parts = append(parts, last)
		}
	}
	return strings.Join(parts, " ")
}

// choose are the devices to report of.
func (s *Service) choose(ctx context.Context, v *access.Viewer, deviceIDs, groupIDs []int64) ([]data.Device, error) {
	wanted := v.DeviceIDs()
	if len(deviceIDs)+len(groupIDs) > 0 {
		wanted = append([]int64{}, deviceIDs...) // never nil, which would be all
		for _, id := range deviceIDs {
			if !v.CanSee(id) {
				return nil, ErrNoSuchObject
			}
		}
		inGroups, err := s.inGroups(ctx, v, groupIDs)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, inGroups...)
		slices.Sort(wanted)
		wanted = slices.Compact(wanted)
	}
	found, err := s.deps.Store.ListDevices(ctx, storage.DeviceFilter{IDs: wanted})
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	for _, id := range deviceIDs { // administrators may name what does not exist
		if !slices.ContainsFunc(found, func(d data.Device) bool { return d.ID == id }) {
			return nil, ErrNoSuchObject
		}
	}
	return found, nil
}

// inGroups are the devices that v sees in groups and the groups within them.
func (s *Service) inGroups(ctx context.Context, v *access.Viewer, groupIDs []int64) ([]int64, error) {
	if len(groupIDs) == 0 {
		return nil, nil
	}
	for _, id := range groupIDs {
		if !v.Sees(data.GroupKind, id) {
			return nil, ErrNoSuchObject
		}
	}
	all, err := storage.ListObjects[data.Group](ctx, s.deps.Store, storage.ObjectFilter{IDs: v.IDs(data.GroupKind)})
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	within := map[int64][]int64{}
	exists := map[int64]bool{}
	for i := range all {
		exists[all[i].ID] = true
		within[all[i].GroupID] = append(within[all[i].GroupID], all[i].ID)
	}
	seen := map[int64]bool{}
	queue := slices.Clone(groupIDs)
	for _, id := range groupIDs {
		if !exists[id] {
			return nil, ErrNoSuchObject
		}
	}
	for len(queue) > 0 {
		id := queue[0]
		if queue = queue[1:]; !seen[id] {
			seen[id] = true
			queue = append(queue, within[id]...)
		}
	}
	ids := make([]int64, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	devices, err := s.deps.Store.GroupedDeviceIDs(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list devices of groups: %w", err)
	}
	return slices.DeleteFunc(devices, func(id int64) bool { return !v.CanSee(id) }), nil
}

// addNames adds the names of what rows refer to, as far as v sees it.
func (s *Service) addNames(ctx context.Context, v *access.Viewer, a *report.Ask) error {
	drivers, derr := storage.ListObjects[data.Driver](ctx, s.deps.Store, storage.ObjectFilter{IDs: v.IDs(data.DriverKind)})
	geofences, gerr := storage.ListObjects[data.Geofence](ctx, s.deps.Store, storage.ObjectFilter{IDs: v.IDs(data.GeofenceKind)})
	if err := errors.Join(derr, gerr); err != nil {
		return fmt.Errorf("read the names of drivers and geofences: %w", err)
	}
	a.Drivers, a.Geofences = make(map[string]string, len(drivers)), make(map[int64]string, len(geofences))
	for i := range drivers {
		a.Drivers[string(drivers[i].UniqueID)] = string(drivers[i].Name)
	}
	for i := range geofences {
		a.Geofences[geofences[i].ID] = string(geofences[i].Name)
	}
	return nil
}
