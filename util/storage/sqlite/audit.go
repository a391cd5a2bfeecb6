package sqlite

import (
	"context"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// RecordAudit implements storage.Audit.
func (s *Store) RecordAudit(ctx context.Context, e *data.AuditEntry) error {
	const doing = "record audit entry"
	if err := row.CheckAudit(e); err != nil {
		return s.fail(doing, err)
	}
	free, err := row.EncodeFree(e.Attributes)
	if err != nil {
		return s.fail(doing, err)
	}
	id, err := s.insert(ctx, doing, `INSERT INTO audit (time, user_id, address, action, object_type, object_id, attributes)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, row.Millis(e.Time), e.UserID, e.Address, e.Action, e.ObjectType, e.ObjectID, free)
	if err != nil {
		return err
	}
	e.ID = id
	return nil
}

// ListAudit implements storage.Audit.
func (s *Store) ListAudit(ctx context.Context, f storage.AuditFilter) ([]data.AuditEntry, error) {
	where := []string{`1`}
	var args []any
	filter := func(set bool, condition string, arg any) {
		if set {
			where = append(where, condition)
			args = append(args, arg)
		}
	}
	filter(!f.From.IsZero(), `time >= ?`, row.Millis(f.From))
	filter(!f.To.IsZero(), `time <= ?`, row.Millis(f.To))
	filter(f.UserID != 0, `user_id = ?`, f.UserID)
	filter(f.ObjectType != "", `object_type = ?`, row.Clean(f.ObjectType, row.MaxKey))
	filter(f.ObjectID != 0, `object_id = ?`, f.ObjectID)
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // no limit
	}
	return list(ctx, s, "list audit entries", func(r scanner) (e data.AuditEntry, err error) {
		var at int64
		var free string
		if err := r.Scan(&e.ID, &at, &e.UserID, &e.Address, &e.Action, &e.ObjectType, &e.ObjectID, &free); err != nil {
			return e, err
		}
		e.Time = row.Time(at)
		e.Attributes, err = row.DecodeFree(free)
		return e, err
	}, `SELECT id, time, user_id, address, action, object_type, object_id, attributes FROM audit WHERE `+
		strings.Join(where, ` AND `)+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
}
