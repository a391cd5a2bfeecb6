package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

// AddLinks implements storage.Links.
func (s *Store) AddLinks(ctx context.Context, links ...data.Link) error {
	const doing = "add links"
	ids, err := row.Linked(links)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		for _, kind := range row.LinkedKinds(ids) {
			if err := mustExist(ctx, tx, kind, ids[kind]); err != nil {
				return err
			}
		}
		for _, l := range links {
			_, err := tx.ExecContext(ctx, `INSERT INTO links (owner, owner_id, property, property_id) VALUES (?, ?, ?, ?)
				ON CONFLICT DO NOTHING`, l.Owner, l.OwnerID, l.Property, l.PropertyID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// mustExist makes sure that all ids of a kind are there.
func mustExist(ctx context.Context, tx *sql.Tx, kind data.ObjectKind, ids []int64) error {
	table, within, err := row.Table(kind)
	if err != nil {
		return err
	}
	query, args := `SELECT count(*) FROM `+table+` WHERE id IN (SELECT value FROM json_each(?))`, []any{jsonIDs(ids)}
	if within != "" {
		query, args = query+` AND kind = ?`, append(args, within)
	}
	var found int
	if err := tx.QueryRowContext(ctx, query, args...).Scan(&found); err != nil {
		return err
	}
	if found < len(ids) {
		return fmt.Errorf("a %s: %w", kind, data.ErrNotFound)
	}
	return nil
}

// RemoveLinks implements storage.Links.
func (s *Store) RemoveLinks(ctx context.Context, links ...data.Link) error {
	return s.write(ctx, "remove links", func(ctx context.Context, tx *sql.Tx) error {
		for _, l := range links {
			_, err := tx.ExecContext(ctx, `DELETE FROM links WHERE owner = ? AND owner_id = ? AND property = ? AND property_id = ?`,
				l.Owner, l.OwnerID, l.Property, l.PropertyID)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ListLinks implements storage.Links.
func (s *Store) ListLinks(ctx context.Context, f storage.LinkFilter) ([]data.Link, error) {
	where := []string{`1`}
	var args []any
	filter := func(set bool, condition string, arg any) {
		if set {
			where = append(where, condition)
			args = append(args, arg)
		}
	}
	filter(f.Owner != "", `owner = ?`, f.Owner)
	filter(f.OwnerIDs != nil, `owner_id IN (SELECT value FROM json_each(?))`, jsonIDs(f.OwnerIDs))
	filter(f.Property != "", `property = ?`, f.Property)
	filter(f.PropertyIDs != nil, `property_id IN (SELECT value FROM json_each(?))`, jsonIDs(f.PropertyIDs))
	return list(ctx, s, "list links", func(r scanner) (l data.Link, err error) {
		return l, r.Scan(&l.Owner, &l.OwnerID, &l.Property, &l.PropertyID)
	}, `SELECT owner, owner_id, property, property_id FROM links WHERE `+strings.Join(where, ` AND `)+
		` ORDER BY owner, owner_id, property, property_id`, args...)
}

// LinkedIDs implements storage.Links. A row per kind: reading ten thousand rows
// costs more than all the rest.
func (s *Store) LinkedIDs(ctx context.Context, owner data.ObjectKind, ownerIDs []int64) (map[data.ObjectKind][]int64, error) {
	type kindIDs struct {
		kind data.ObjectKind
		ids  []int64
	}
	rows, err := list(ctx, s, "list linked ids", func(r scanner) (k kindIDs, err error) {
		var ids []byte
		if err := r.Scan(&k.kind, &ids); err != nil {
			return k, err
		}
		return k, json.Unmarshal(ids, &k.ids)
	}, `SELECT property, json_group_array(property_id) FROM (
			SELECT DISTINCT l.property, l.property_id FROM json_each(?) AS o CROSS JOIN links AS l ON l.owner = ? AND l.owner_id = o.value
			ORDER BY l.property, l.property_id)
		GROUP BY property`, jsonIDs(ownerIDs), owner)
	if err != nil {
		return nil, err
	}
	out := make(map[data.ObjectKind][]int64, len(rows))
	for _, k := range rows {
		out[k.kind] = k.ids
	}
	return out, nil
}
