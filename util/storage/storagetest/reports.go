package storagetest

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var reportTests = []contractTest{
	{"ReportRuns", reportRuns},
	{"Statistics", statistics},
}

func reportRuns(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	a, b := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	one, two := &data.ScheduledReport{Type: "trips", Description: "1"}, &data.ScheduledReport{Type: "trips", Description: "2"}
	ok(t, s.CreateObject(ctx, one))
	ok(t, s.CreateObject(ctx, two))
	runs := []data.ReportRun{
		{ReportID: one.ID, UserID: a.ID, Until: at(1), SentAt: time.Time{}, Attempts: 3, Error: "no route\x00 to host", NextAt: at(9)},
		{ReportID: one.ID, UserID: b.ID, Until: at(2), SentAt: at(3), NextAt: time.Time{}},
		{ReportID: two.ID, UserID: a.ID, Until: at(4), SentAt: at(5), NextAt: time.Time{}},
	}
	for _, r := range runs {
		ok(t, s.PutReportRun(ctx, r))
	}
	of := func(id int64) []data.ReportRun {
		return get(t, func() ([]data.ReportRun, error) { return s.ReportRuns(ctx, id) })
	}
	runs[0].Error = of(one.ID)[0].Error // cleaned
	equal(t, "of all", of(0), runs)
	runs[0] = data.ReportRun{ReportID: one.ID, UserID: a.ID, Until: at(9), SentAt: at(9)}
	ok(t, s.PutReportRun(ctx, runs[0]))
	equal(t, "of one, replaced", of(one.ID), runs[:2])
	wantError(t, "no such user", s.PutReportRun(ctx, data.ReportRun{ReportID: one.ID, UserID: 77}), data.ErrNotFound)
	wantError(t, "no such report", s.PutReportRun(ctx, data.ReportRun{ReportID: 77, UserID: a.ID}), data.ErrNotFound)
	ok(t, s.DeleteUser(ctx, a.ID))
	equal(t, "without the user", of(0), runs[1:2])
	ok(t, s.DeleteObject(ctx, data.ReportKind, one.ID))
	equal(t, "without the report", len(of(0)), 0)
}

func statistics(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	add := func(day int64, requests int64, devices, users []int64) {
		t.Helper()
		ok(t, s.AddActivity(ctx, data.Activity{
			Day: day, Devices: devices, Users: users,
			Counts: map[string]int64{data.CountRequests: requests, data.CountProtocol + "gt06": 2, data.CountMailSent: 0},
		}))
	}
	between := func(from, to int64) []data.Statistics {
		t.Helper()
		return get(t, func() ([]data.Statistics, error) { return s.StatisticsBetween(ctx, from, to) })
	}
	day := func(n, requests, gt06, devices, users int64) data.Statistics {
		d := data.Statistics{Day: n, Counts: map[string]int64{data.CountRequests: requests, data.CountProtocol + "gt06": gt06}}
		for name, count := range map[string]int64{data.CountActiveDevices: devices, data.CountActiveUsers: users} {
			if count > 0 {
				d.Counts[name] = count
			}
		}
		return d
	}
	add(100, 5, []int64{1, 2, 2}, []int64{7})
	add(100, 6, []int64{2, 3}, nil) // of another process
	add(101, 1, []int64{1}, nil)
	equal(t, "two days", between(0, 1000), []data.Statistics{day(100, 11, 4, 3, 1), day(101, 1, 2, 1, 0)})
	for n := int64(102); n < 105; n++ {
		add(n, 1, []int64{n}, nil)
	}
	equal(t, "days ago", between(100, 101), []data.Statistics{day(100, 11, 4, 3, 1), day(101, 1, 2, 1, 0)})
	equal(t, "one of them", between(103, 103), []data.Statistics{day(103, 1, 2, 1, 0)})
	equal(t, "none", len(between(1, 99)), 0)
}
