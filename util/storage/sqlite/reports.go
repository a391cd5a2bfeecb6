package sqlite

import (
	"context"
	"database/sql"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// ReportRuns implements storage.Reports.
func (s *Store) ReportRuns(ctx context.Context, reportID int64) ([]data.ReportRun, error) {
	return list(ctx, s, "list report runs", func(r scanner) (run data.ReportRun, err error) {
		var until, sent, next int64
		err = r.Scan(&run.ReportID, &run.UserID, &until, &sent, &run.Attempts, &run.Error, &next)
		run.Until, run.SentAt, run.NextAt = row.Time(until), row.Time(sent), row.Time(next)
		return run, err
	}, `SELECT report_id, user_id, until, sent_at, attempts, error, next_at FROM report_runs
		WHERE ?1 = 0 OR report_id = ?1 ORDER BY report_id, user_id`, reportID)
}

// PutReportRun implements storage.Reports.
func (s *Store) PutReportRun(ctx context.Context, r data.ReportRun) error {
	_, err := s.exec(ctx, "store report run", `INSERT OR REPLACE INTO report_runs (report_id, user_id, until, sent_at, attempts, error, next_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, r.ReportID, r.UserID, row.Millis(r.Until), row.Millis(r.SentAt), r.Attempts,
		row.Clean(r.Error, row.MaxReportError), row.Millis(r.NextAt))
	return err
}

// AddActivity implements storage.Statistics.
func (s *Store) AddActivity(ctx context.Context, a data.Activity) error {
	const add = `INSERT INTO statistics (day, name, count) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count`
	return s.write(ctx, "add statistics", func(ctx context.Context, tx *sql.Tx) error {
		for _, c := range row.Counts(a) {
			if _, err := tx.ExecContext(ctx, add, c.Day, c.Name, c.Count); err != nil {
				return err
			}
		}
		for _, c := range row.Active(a) {
			if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO statistics_active (day, name, id) VALUES (?, ?, ?)`, c.Day, c.Name, c.Count); err != nil {
				return err
			}
		}
		for _, fold := range []string{
			// WHERE: else the parser takes ON for that of a join (sqlite.org/lang_upsert.html).
			`INSERT INTO statistics (day, name, count) SELECT day, name, count(*) FROM statistics_active WHERE day <= ? GROUP BY day, name
				ON CONFLICT DO UPDATE SET count = count + excluded.count`,
			`DELETE FROM statistics_active WHERE day <= ?`,
		} {
			if _, err := tx.ExecContext(ctx, fold, a.Day-row.ActiveDays); err != nil {
				return err
			}
		}
		return nil
	})
}

// StatisticsBetween implements storage.Statistics.
func (s *Store) StatisticsBetween(ctx context.Context, from, to int64) ([]data.Statistics, error) {
	rows, err := list(ctx, s, "list statistics", func(r scanner) (c row.Count, err error) {
		return c, r.Scan(&c.Day, &c.Name, &c.Count)
	}, `SELECT day, name, count FROM statistics WHERE day BETWEEN ?1 AND ?2
		UNION ALL SELECT day, name, count(*) FROM statistics_active WHERE day BETWEEN ?1 AND ?2 GROUP BY day, name ORDER BY 1`, from, to)
	return row.Days(rows), err
}
