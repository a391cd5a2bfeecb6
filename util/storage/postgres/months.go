package postgres

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// month is a month of blocks, which has a partition of position_blocks: its
// first millisecond. The first and the last one hold what is before and after
// them, too: see history.Month.
type month int64

func monthOf(ms int64) month { return month(history.Month(ms)) }

func (m month) start() time.Time { return time.UnixMilli(int64(m)).UTC() }

const (
	monthPrefix = "position_blocks_"
	monthLayout = "2006_01"
)

// table is its table, which needs no quotes.
func (m month) table() string { return monthPrefix + m.start().Format(monthLayout) }

// bounds are those of the partition.
func (m month) bounds() string {
	from, to := fmt.Sprint(int64(m)), fmt.Sprint(m.start().AddDate(0, 1, 0).UnixMilli())
	if m == monthOf(math.MinInt64) {
		from = "MINVALUE"
	}
	if m == monthOf(math.MaxInt64) {
		to = "MAXVALUE"
	}
	return fmt.Sprintf("FROM (%s) TO (%s)", from, to)
}

// prepare tells whether the partition of a month is there, and makes it if it
// is needed.
func (s *Store) prepare(ctx context.Context, m month, needed bool) (bool, error) {
	const doing = "make a table for a month"
	if _, known := s.months.Load(m); known {
		return true, nil
	}
	if !needed {
		return one(ctx, s, doing, scanBool, `SELECT to_regclass($1) IS NOT NULL`, m.table())
	}
	err := s.politely(ctx, doing, func(ctx context.Context, t *tx) error {
		return s.attach(ctx, t, doing, "position_blocks", m.table(), m.bounds(), "autovacuum_vacuum_scale_factor = 0.1")
	})
	if err == nil && s.txOf(ctx) == nil { // else it may be rolled back
		s.months.Store(m, true)
	}
	return err == nil, err
}

// Spans implements history.Backend.
func (b backend) Spans(ctx context.Context) ([]int64, error) {
	const doing = "list months"
	tables, err := list(ctx, b.s, doing, scanText, `SELECT c.relname::text FROM pg_inherits AS i
		JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'position_blocks'::regclass ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	months := make([]int64, 0, len(tables))
	for _, table := range tables {
		t, err := time.Parse(monthLayout, strings.TrimPrefix(table, monthPrefix))
		if err != nil {
			return nil, fmt.Errorf("%s: %s is not a table of ours: %w", doing, table, err)
		}
		months = append(months, t.UnixMilli())
	}
	return months, nil
}

// DropSpan implements history.Backend.
func (b backend) DropSpan(ctx context.Context, at int64) error {
	const doing = "drop a month"
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	m := monthOf(at)
	b.s.months.Delete(m)
	return b.s.politely(ctx, doing, func(ctx context.Context, t *tx) error {
		if err := b.s.holdsLock(ctx, doing); err != nil {
			return err
		}
		t.batch.Queue(`DROP TABLE IF EXISTS ` + m.table())
		return nil
	})
}
