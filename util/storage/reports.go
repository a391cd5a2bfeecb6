package storage

import (
	"context"

	"github.com/waymark-gps/waymark/data"
)

// Reports keeps how far the sending of scheduled reports has come.
type Reports interface {
	// ReportRuns returns the runs of a report, 0 for all reports, by report, then
	// user.
	ReportRuns(ctx context.Context, reportID int64) ([]data.ReportRun, error)
	// PutReportRun stores a run in place of the one of that report and user. One of
	// them does not exist: ErrNotFound. A run goes when one of them does.
	PutReportRun(ctx context.Context, r data.ReportRun) error
}

// Statistics keeps how much was done, by days.
type Statistics interface {
	// AddActivity adds to a day, in one transaction.
	AddActivity(ctx context.Context, a data.Activity) error
	// StatisticsBetween returns the days from <= Day <= to of which something is
	// known, in order.
	StatisticsBetween(ctx context.Context, from, to int64) ([]data.Statistics, error)
}
