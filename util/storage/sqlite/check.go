package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/waymark-gps/waymark/util/storage/history"
)

var _ history.Checker = (*backend)(nil)

// CheckFiles implements history.Checker.
func (b *backend) CheckFiles(ctx context.Context, report func(text string)) error {
	recentPath, _ := beside(b.s.path)
	checkFile(ctx, b.s.readers, b.s.path, report)
	checkFile(ctx, b.s.recent.readers, recentPath, report)
	if aside, err := all(ctx, b.s.recent.reader, scanID, `SELECT count(*) FROM hot_aside`); err != nil {
		report(b.failed("look at recent positions", err).Error())
	} else if aside[0] > 0 {
		report(fmt.Sprintf("%s keeps %d rows of recent positions aside that could not be read", recentPath, aside[0]))
	}
	months, err := b.s.months.between(math.MinInt64, math.MaxInt64)
	if err != nil {
		return b.s.fail("list history", err)
	}
	for _, at := range months {
		err := b.s.months.useLong(ctx, at, false, func(ctx context.Context, m *month) error {
			checkFile(ctx, m.reader.db, m.path, report)
			var aside int
			if err := m.reader.db.QueryRowContext(ctx, `SELECT count(*) FROM blocks_aside`).Scan(&aside); err != nil {
				return err
			}
			if aside > 0 {
				report(fmt.Sprintf("%s keeps %d blocks aside that could not be read", m.path, aside))
			}
			return nil
		})
		if ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			report(err.Error())
		}
	}
	return nil
}

// checkFile has SQLite look through a file; a few of its complaints will do.
func checkFile(ctx context.Context, db *sql.DB, path string, report func(text string)) {
	rows, err := db.QueryContext(ctx, `PRAGMA quick_check(5)`)
	if err != nil {
		report(fmt.Sprintf("%s cannot be checked: %v", path, err))
		return
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			break
		}
		if text != "ok" {
			report(fmt.Sprintf("%s is damaged, put it back from a backup: %s", path, text))
		}
	}
	if err := rows.Err(); err != nil {
		report(fmt.Sprintf("%s cannot be checked: %v", path, err))
	}
}
