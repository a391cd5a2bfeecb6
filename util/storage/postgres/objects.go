package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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
	id, err := one(ctx, s, doing, scanID, `INSERT INTO objects (kind, name, search, group_id, calendar_id, command_id, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		d.Kind, d.Name, row.Keyword(d.Name), d.GroupID, d.CalendarID, d.CommandID, string(d.Body))
	if err != nil {
		return err
	}
	*o.Fields().ID = id
	return nil
}

// UpdateObject implements storage.Objects. Two groups that are moved into each
// other at the same moment may both get their way: readers bear with circles.
func (s *Store) UpdateObject(ctx context.Context, o data.Object) error {
	doing := "update " + string(o.Kind())
	d, err := row.Document(o)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.write(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		if d.GroupID != 0 {
			if err := notWithinItself(ctx, tx, d.ID, d.GroupID); err != nil {
				return err
			}
		}
		return mustChange(ctx, tx, `UPDATE objects SET name = $1, search = $2, group_id = $3, calendar_id = $4,
			command_id = $5, body = $6 WHERE kind = $7 AND id = $8`, d.Name, row.Keyword(d.Name), d.GroupID, d.CalendarID,
			d.CommandID, string(d.Body), d.Kind, d.ID)
	})
}

// mustChange runs a statement that must find its row, else data.ErrNotFound.
func mustChange(ctx context.Context, tx pgx.Tx, query string, args ...any) error {
	tag, err := tx.Exec(ctx, query, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = data.ErrNotFound
	}
	return err
}

// notWithinItself refuses a parent of a group that is in the group.
func notWithinItself(ctx context.Context, tx pgx.Tx, id, parent int64) error {
	var found bool
	err := tx.QueryRow(ctx, `WITH RECURSIVE up (id) AS (
			SELECT $1::bigint UNION SELECT o.group_id FROM objects AS o JOIN up ON o.id = up.id WHERE o.kind = 'group' AND o.group_id <> 0)
		SELECT EXISTS (SELECT FROM up WHERE id = $2)`, parent, id).Scan(&found)
	if err == nil && found {
		err = fmt.Errorf("group %d would be within itself: %w", id, data.ErrInvalid)
	}
	return err
}

// DeleteObject implements storage.Objects.
func (s *Store) DeleteObject(ctx context.Context, kind data.ObjectKind, id int64) error {
	return s.write(ctx, "delete "+string(kind), func(ctx context.Context, tx pgx.Tx) error {
		if err := mustChange(ctx, tx, `DELETE FROM objects WHERE kind = $1 AND id = $2`, kind, id); err != nil {
			return err
		}
		return forget(ctx, tx, kind, id)
	})
}

// execer is a transaction, as far as changing rows goes.
type execer interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// forget removes the links of a thing that is gone and what refers to it. Who
// adds a link holds its ends until the link is there, so after the deletion of
// an end every link can be seen.
func forget(ctx context.Context, tx execer, kind data.ObjectKind, id int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM links WHERE owner = $1 AND owner_id = $2`, kind, id); err != nil {
		return err
	}
	as := row.Properties(kind)
	if _, err := tx.Exec(ctx, `DELETE FROM links WHERE property IN ($1, $2) AND property_id = $3`, as[0], as[1], id); err != nil {
		return err
	}
	for _, ref := range row.References(kind) {
		_, err := tx.Exec(ctx, fmt.Sprintf(`WITH locked AS MATERIALIZED (
				SELECT id FROM %[1]s WHERE %[2]s = $1 ORDER BY id FOR NO KEY UPDATE)
			UPDATE %[1]s AS t SET %[2]s = 0 FROM locked WHERE t.id = locked.id`, ref[0], ref[1]), id)
		if err != nil {
			return err
		}
	}
	return nil
}

// Documents implements storage.Objects.
func (s *Store) Documents(ctx context.Context, f storage.ObjectFilter) ([]data.Document, error) {
	var where []string
	var args []any
	filter := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	filter(`kind = $%d`, f.Kind)
	if f.IDs != nil {
		filter(`id = ANY ($%d)`, f.IDs)
	}
	if f.Keyword != "" {
		if !row.IsText(f.Keyword) {
			return nil, nil
		}
		filter(`strpos(search, $%d) > 0`, row.Keyword(f.Keyword))
	}
	var limit *int // null is no limit
	if f.Limit > 0 {
		limit = &f.Limit
	}
	args = append(args, limit, max(f.Offset, 0))
	query := `SELECT kind, id, name, group_id, calendar_id, command_id, body FROM objects WHERE ` + strings.Join(where, ` AND `) +
		fmt.Sprintf(` ORDER BY name, id LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	return list(ctx, s, "list "+string(f.Kind), func(r pgx.CollectableRow) (d data.Document, err error) {
		var body string
		err = r.Scan(&d.Kind, &d.ID, &d.Name, &d.GroupID, &d.CalendarID, &d.CommandID, &body)
		d.Body = []byte(body)
		return d, err
	}, query, args...)
}
