package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// forgetStrangers removes the history of devices that do not exist: what was
// left when a process died while it deleted one.
func (s *Store) forgetStrangers(ctx context.Context) error {
	// Heads first: another process may create devices meanwhile, then their heads.
	recentPath, _ := beside(s.path)
	heads, err := all(ctx, s.recent.reader, scanID, `SELECT device_id FROM heads UNION SELECT device_id FROM events`)
	if err != nil {
		return s.named(recentPath, err)
	}
	devices, err := list(ctx, s, "list devices", scanID, `SELECT id FROM devices`)
	if err != nil {
		return err
	}
	exists := make(map[int64]bool, len(devices))
	for _, id := range devices {
		exists[id] = true
	}
	for _, id := range heads {
		if exists[id] {
			continue
		}
		if err := s.Forget(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// restoreHeads finds in the blocks what recent.db should know of devices, after
// that file was lost.
func (s *Store) restoreHeads(ctx context.Context, log *slog.Logger) error {
	months, err := s.months.between(math.MinInt64, math.MaxInt64)
	if err != nil || len(months) == 0 {
		return err
	}
	heads, err := all(ctx, s.recent.reader, scanID, `SELECT device_id FROM heads LIMIT 1`)
	if err != nil || len(heads) > 0 {
		recentPath, _ := beside(s.path)
		return s.named(recentPath, err)
	}
	log.Warn("recent.db is new, but there is history: finding the newest positions there", "months", len(months))
	known := make(map[int64]*history.Head)
	for _, at := range months {
		err := s.months.use(ctx, at, false, func(ctx context.Context, m *month) error {
			return m.reader.each(ctx, func(rows *sql.Rows) error {
				h := &history.Head{LastUpdate: history.ZeroTime}
				if err := rows.Scan(&h.DeviceID, &h.LastNumber, &h.MaxTime); err != nil {
					return err
				}
				if k := known[h.DeviceID]; k != nil {
					h.LastNumber, h.MaxTime = max(h.LastNumber, k.LastNumber), max(h.MaxTime, k.MaxTime)
				}
				known[h.DeviceID] = h
				return nil
			}, fmt.Sprintf(`SELECT id >> %d, max(max_number), max(last) FROM blocks GROUP BY 1`, secondBits))
		})
		if err != nil {
			return err
		}
	}
	return s.Restore(ctx, slices.Collect(maps.Values(known)))
}
