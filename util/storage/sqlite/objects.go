package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// CreateObject implements storage.Objects.
func (s *Store) CreateObject(ctx context.Context, o data.Object) error {
	doing := "create " + string(o.Kind())
	d, err := row.Document(o)
	if err != nil {
		return s.fail(doing, err)
	}
	id, err := s.insert(ctx, doing, `INSERT INTO objects (kind, name, search, group_id, calendar_id, command_id, body)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, d.Kind, d.Name, row.Keyword(d.Name), d.GroupID, d.CalendarID, d.CommandID, string(d.Body))
	if err != nil {
		return err
	}
	*o.Fields().ID = id
	return nil
}

// UpdateObject implements storage.Objects.
func (s *Store) UpdateObject(ctx context.Context, o data.Object) error {
	doing := "update " + string(o.Kind())
	d, err := row.Document(o)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		if d.GroupID != 0 {
			if err := notWithinItself(ctx, tx, d.ID, d.GroupID); err != nil {
				return err
			}
		}
		return mustChange(tx.ExecContext(ctx, `UPDATE objects SET name = ?, search = ?, group_id = ?, calendar_id = ?,
			command_id = ?, body = ? WHERE kind = ? AND id = ?`, d.Name, row.Keyword(d.Name), d.GroupID, d.CalendarID,
			d.CommandID, string(d.Body), d.Kind, d.ID))
	})
}

// notWithinItself refuses a parent of a group that is in the group.
func notWithinItself(ctx context.Context, tx *sql.Tx, id, parent int64) error {
	var found int
	err := tx.QueryRowContext(ctx, `WITH RECURSIVE up (id) AS (
			SELECT ? UNION SELECT o.group_id FROM objects AS o JOIN up ON o.id = up.id WHERE o.kind = 'group' AND o.group_id <> 0)
		SELECT count(*) FROM up WHERE id = ?`, parent, id).Scan(&found)
	if err == nil && found > 0 {
		err = fmt.Errorf("group %d would be within itself: %w", id, data.ErrInvalid)
	}
	return err
}

// DeleteObject implements storage.Objects.
func (s *Store) DeleteObject(ctx context.Context, kind data.ObjectKind, id int64) error {
	return s.write(ctx, "delete "+string(kind), func(ctx context.Context, tx *sql.Tx) error {
		if err := mustChange(tx.ExecContext(ctx, `DELETE FROM objects WHERE kind = ? AND id = ?`, kind, id)); err != nil {
			return err
		}
		return forget(ctx, tx, kind, id)
	})
}

// forget removes the links of a thing that is gone and what refers to it.
func forget(ctx context.Context, tx *sql.Tx, kind data.ObjectKind, id int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM links WHERE owner = ? AND owner_id = ?`, kind, id); err != nil {
		return err
	}
	as := row.Properties(kind)
	if _, err := tx.ExecContext(ctx, `DELETE FROM links WHERE property IN (?, ?) AND property_id = ?`, as[0], as[1], id); err != nil {
		return err
	}
	for _, ref := range row.References(kind) {
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE %s SET %[2]s = 0 WHERE %[2]s = ?`, ref[0], ref[1]), id)
		if err != nil {
			return err
		}
	}
	return nil
}

// Documents implements storage.Objects.
func (s *Store) Documents(ctx context.Context, f storage.ObjectFilter) ([]data.Document, error) {
	where := []string{`kind = ?`}
	args := []any{f.Kind}
	filter := func(condition string, arg any) {
		where = append(where, condition)
		args = append(args, arg)
	}
	if f.IDs != nil {
		filter(`id IN (SELECT value FROM json_each(?))`, jsonIDs(f.IDs))
	}
	if f.Keyword != "" {
		if !row.IsText(f.Keyword) {
			return nil, nil
		}
		filter(`instr(search, ?) > 0`, row.Keyword(f.Keyword))
	}
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // no limit
	}
	return list(ctx, s, "list "+string(f.Kind), func(r scanner) (d data.Document, err error) {
		return d, r.Scan(&d.Kind, &d.ID, &d.Name, &d.GroupID, &d.CalendarID, &d.CommandID, &d.Body)
	}, `SELECT kind, id, name, group_id, calendar_id, command_id, body FROM objects WHERE `+strings.Join(where, ` AND `)+
		` ORDER BY name, id LIMIT ? OFFSET ?`, append(args, limit, max(f.Offset, 0))...)
}
