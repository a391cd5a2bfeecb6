package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// ReportRuns implements storage.Reports.
func (s *Store) ReportRuns(ctx context.Context, reportID int64) ([]data.ReportRun, error) {
	return list(ctx, s, "list report runs", func(r pgx.CollectableRow) (run data.ReportRun, err error) {
		var until, sent, next int64
		err = r.Scan(&run.ReportID, &run.UserID, &until, &sent, &run.Attempts, &run.Error, &next)
		run.Until, run.SentAt, run.NextAt = row.Time(until), row.Time(sent), row.Time(next)
		return run, err
	}, `SELECT report_id, user_id, until, sent_at, attempts, error, next_at FROM report_runs
		WHERE $1 = 0 OR report_id = $1 ORDER BY report_id, user_id`, reportID)
}

// PutReportRun implements storage.Reports.
func (s *Store) PutReportRun(ctx context.Context, r data.ReportRun) error {
	_, err := s.exec(ctx, "store report run", `INSERT INTO report_runs (report_id, user_id, until, sent_at, attempts, error, next_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (report_id, user_id) DO UPDATE SET until = excluded.until,
			sent_at = excluded.sent_at, attempts = excluded.attempts, error = excluded.error, next_at = excluded.next_at`,
		r.ReportID, r.UserID, row.Millis(r.Until), row.Millis(r.SentAt), r.Attempts, row.Clean(r.Error, row.MaxReportError), row.Millis(r.NextAt))
	return err
}

// AddActivity implements storage.Statistics.
func (s *Store) AddActivity(ctx context.Context, a data.Activity) error {
	return s.write(ctx, "add statistics", func(ctx context.Context, tx pgx.Tx) error {
		var b pgx.Batch
		for _, c := range row.Counts(a) {
			b.Queue(`INSERT INTO statistics AS s (day, name, count) VALUES ($1, $2, $3)
				ON CONFLICT (day, name) DO UPDATE SET count = s.count + excluded.count`, c.Day, c.Name, c.Count)
		}
		for _, c := range row.Active(a) {
			b.Queue(`INSERT INTO statistics_active (day, name, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.Day, c.Name, c.Count)
		}
		// One statement: what is counted is what goes, whoever else does the same.
		b.Queue(`WITH old AS (DELETE FROM statistics_active WHERE day <= $1 RETURNING day, name)
			INSERT INTO statistics AS s (day, name, count) SELECT day, name, count(*) FROM old GROUP BY day, name ORDER BY day, name
			ON CONFLICT (day, name) DO UPDATE SET count = s.count + excluded.count`, a.Day-row.ActiveDays)
		return tx.SendBatch(ctx, &b).Close()
	})
}

// StatisticsBetween implements storage.Statistics.
func (s *Store) StatisticsBetween(ctx context.Context, from, to int64) ([]data.Statistics, error) {
	rows, err := list(ctx, s, "list statistics", func(r pgx.CollectableRow) (c row.Count, err error) {
		return c, r.Scan(&c.Day, &c.Name, &c.Count)
	}, `SELECT day, name, count FROM statistics WHERE day BETWEEN $1 AND $2
		UNION ALL SELECT day, name, count(*) FROM statistics_active WHERE day BETWEEN $1 AND $2 GROUP BY day, name ORDER BY 1`, from, to)
	return row.Days(rows), err
}
