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

// AddLinks implements storage.Links.
func (s *Store) AddLinks(ctx context.Context, links ...data.Link) error {
	const doing = "add links"
	ids, err := row.Linked(links)
	if err != nil {
		return s.fail(doing, err)
	}
	return s.write(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		for _, kind := range row.LinkedKinds(ids) {
			if err := mustExist(ctx, tx, kind, ids[kind]); err != nil {
				return err
			}
		}
		owner, ownerID, property, propertyID := linkColumns(links)
		_, err := tx.Exec(ctx, `INSERT INTO links (owner, owner_id, property, property_id)
			SELECT DISTINCT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) ORDER BY 1, 2, 3, 4
			ON CONFLICT DO NOTHING`, owner, ownerID, property, propertyID)
		return err
	})
}

func linkColumns(links []data.Link) (owner []string, ownerID []int64, property []string, propertyID []int64) {
	for _, l := range links {
		owner, ownerID = append(owner, string(l.Owner)), append(ownerID, l.OwnerID)
		property, propertyID = append(property, string(l.Property)), append(propertyID, l.PropertyID)
	}
	return owner, ownerID, property, propertyID
}

// mustExist makes sure that all ids of a kind are there, and stay until the
// transaction ends.
func mustExist(ctx context.Context, tx pgx.Tx, kind data.ObjectKind, ids []int64) error {
	table, within, err := row.Table(kind)
	if err != nil {
		return err
	}
	query, args := `SELECT id FROM `+table+` WHERE id = ANY ($1)`, []any{ids}
	if within != "" {
		query, args = query+` AND kind = $2`, append(args, within)
	}
	rows, err := tx.Query(ctx, query+` ORDER BY id FOR KEY SHARE`, args...)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, scanID)
	if err == nil && len(found) < len(ids) {
		err = fmt.Errorf("a %s: %w", kind, data.ErrNotFound)
	}
	return err
}

// RemoveLinks implements storage.Links.
func (s *Store) RemoveLinks(ctx context.Context, links ...data.Link) error {
	owner, ownerID, property, propertyID := linkColumns(links)
	_, err := s.exec(ctx, "remove links", `WITH gone AS MATERIALIZED (
			SELECT l.ctid FROM links AS l
			JOIN unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS r (owner, owner_id, property, property_id)
				ON (l.owner, l.owner_id, l.property, l.property_id) = (r.owner, r.owner_id, r.property, r.property_id)
			ORDER BY l.owner, l.owner_id, l.property, l.property_id FOR UPDATE OF l)
		DELETE FROM links WHERE ctid IN (SELECT ctid FROM gone)`, owner, ownerID, property, propertyID)
	return err
}

// ListLinks implements storage.Links.
func (s *Store) ListLinks(ctx context.Context, f storage.LinkFilter) ([]data.Link, error) {
	where := []string{`true`}
	var args []any
	filter := func(set bool, condition string, arg any) {
		if set {
			args = append(args, arg)
			where = append(where, fmt.Sprintf(condition, len(args)))
		}
	}
	filter(f.Owner != "", `owner = $%d`, f.Owner)
	filter(f.OwnerIDs != nil, `owner_id = ANY ($%d)`, f.OwnerIDs)
	filter(f.Property != "", `property = $%d`, f.Property)
	filter(f.PropertyIDs != nil, `property_id = ANY ($%d)`, f.PropertyIDs)
	return list(ctx, s, "list links", func(r pgx.CollectableRow) (l data.Link, err error) {
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
	rows, err := list(ctx, s, "list linked ids", func(r pgx.CollectableRow) (k kindIDs, err error) {
		return k, r.Scan(&k.kind, &k.ids)
	}, `SELECT property, array_agg(DISTINCT property_id) FROM links WHERE owner = $1 AND owner_id = ANY ($2) GROUP BY property`, owner, ownerIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[data.ObjectKind][]int64, len(rows))
	for _, k := range rows {
		out[k.kind] = k.ids // DISTINCT has sorted them
	}
	return out, nil
}
