package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

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
	id, err := one(ctx, s, doing, scanID, `INSERT INTO audit (time, user_id, address, action, object_type, object_id, attributes)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`, row.Millis(e.Time), e.UserID, e.Address, e.Action, e.ObjectType, e.ObjectID, free)
	if err != nil {
		return err
	}
	e.ID = id
	return nil
}

// ListAudit implements storage.Audit.
func (s *Store) ListAudit(ctx context.Context, f storage.AuditFilter) ([]data.AuditEntry, error) {
	where := []string{`true`}
	var args []any
	filter := func(set bool, condition string, arg any) {
		if set {
			args = append(args, arg)
			where = append(where, fmt.Sprintf(condition, len(args)))
		}
	}
	filter(!f.From.IsZero(), `time >= $%d`, row.Millis(f.From))
	filter(!f.To.IsZero(), `time <= $%d`, row.Millis(f.To))
	filter(f.UserID != 0, `user_id = $%d`, f.UserID)
	filter(f.ObjectType != "", `object_type = $%d`, row.Clean(f.ObjectType, row.MaxKey))
	filter(f.ObjectID != 0, `object_id = $%d`, f.ObjectID)
	var limit *int // null is no limit
	if f.Limit > 0 {
		limit = &f.Limit
	}
	args = append(args, limit)
	return list(ctx, s, "list audit entries", func(r pgx.CollectableRow) (e data.AuditEntry, err error) {
		var at int64
		var free string
		if err := r.Scan(&e.ID, &at, &e.UserID, &e.Address, &e.Action, &e.ObjectType, &e.ObjectID, &free); err != nil {
			return e, err
		}
		e.Time = row.Time(at)
		e.Attributes, err = row.DecodeFree(free)
		return e, err
	}, `SELECT id, time, user_id, address, action, object_type, object_id, attributes FROM audit WHERE `+
		strings.Join(where, ` AND `)+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
}
