package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strconv"

	"github.com/waymark-gps/waymark/util/storage/history"
)

// Heads implements history.Backend.
func (b *backend) Heads(ctx context.Context, deviceIDs []int64) ([]history.Head, error) {
	heads, err := b.readHeads(ctx, deviceIDs)
	return heads, b.failed("read what is known of devices", err)
}

func (b *backend) readHeads(ctx context.Context, deviceIDs []int64) ([]history.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	r := b.s.recent
	// The index first: what moves on meanwhile is in the file then.
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return nil, err
	}
	query, args := `SELECT `+headColumns+`, newest FROM heads`, []any(nil)
	if deviceIDs != nil {
		query, args = query+` WHERE device_id IN (SELECT value FROM json_each(?))`, []any{jsonIDs(deviceIDs)}
	}
	heads, err := all(ctx, r.reader, func(r scanner) (h history.Head, err error) {
		err = r.Scan(&h.DeviceID, &h.LastUpdate, &h.LastNumber, &h.MaxTime, &h.Thinned,
			&h.Newest.Time, &h.Newest.Number, &h.Newest.Fingerprint, &h.Epoch, &h.Newest.Position)
		h.Newest.DeviceID = h.DeviceID
		return h, err
	}, query+` ORDER BY device_id`, args...)
	if err != nil {
		return nil, err
	}
	var hot []located
	for i := range heads {
		h := &heads[i]
		r.index.over(h)
		if h.Newest.Number != 0 && h.Newest.Position == nil {
			hot = append(hot, r.index.at(h.DeviceID, h.Newest.Time, h.Newest.Number)...)
		}
	}
	rows, err := b.fetch(ctx, hot)
	if err != nil {
		return nil, err
	}
	newest := make(map[int64]history.Row, len(rows))
	for _, row := range rows {
		newest[row.DeviceID] = row
	}
	for i := range heads {
		if h := &heads[i]; h.Newest.Position == nil {
			h.Newest = newest[h.DeviceID] // none if it was deleted, and its head was not
		}
	}
	return heads, nil
}

// fetch reads positions from the hot tables, by device, time and number. What is
// not there any more is left out: it has moved into blocks, or is deleted.
func (b *backend) fetch(ctx context.Context, where []located) ([]history.Row, error) {
	rows := make([]history.Row, 0, len(where))
	slices.SortFunc(where, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), cmp.Compare(a.chunk, b.chunk), cmp.Compare(a.offset, b.offset))
	})
	for len(where) > 0 {
		n, generation := 1, where[0].generation
		for n < len(where) && where[n].generation == generation {
			n++
		}
		some := where[:n]
		where = where[n:]
		err := b.chunks(ctx, generation, some, func(chunk []byte, refs []located) error {
			for _, at := range refs {
				r, _, err := rowAt(chunk, int(at.offset))
				if err != nil || r.erased || r.DeviceID != at.deviceID || r.Number != at.number {
					continue
				}
				r.Position = slices.Clone(r.Position)
				rows = append(rows, r.Row)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Number, b.Number))
	})
	return rows, nil
}

// chunks reads the chunks that hold positions of a generation, which are in
// the order of chunks. Damaged ones were named when the index was read.
func (b *backend) chunks(ctx context.Context, generation int64, where []located, each func(chunk []byte, refs []located) error) error {
	var ids []int64
	for i, at := range where {
		if i == 0 || where[i-1].chunk != at.chunk {
			ids = append(ids, int64(at.chunk))
		}
	}
	var chunk sql.RawBytes
	return b.s.recent.reader.each(ctx, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id, &chunk); err != nil {
			return err
		}
		for int64(where[0].chunk) < id {
			where = where[1:]
		}
		n := 0
		for n < len(where) && int64(where[n].chunk) == id {
			n++
		}
		refs := where[:n]
		where = where[n:]
		if openChunk(chunk) != nil {
			return nil
		}
		return each(chunk, refs)
	}, `SELECT id, rows FROM hot_`+strconv.FormatInt(generation%2, 10)+`
		WHERE id IN (SELECT value FROM json_each(?)) AND EXISTS (SELECT 1 FROM generations WHERE id = ?) ORDER BY id`, jsonIDs(ids), generation)
}

// hot reads the positions of a device that pick chooses from those of each hot
// table; newestFirst turns their order.
func (b *backend) hot(ctx context.Context, deviceID int64, limit int, newestFirst bool, pick func([]hotRef) []hotRef) ([]history.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	r := b.s.recent
	if err := r.index.refresh(ctx, r.reader); err != nil {
		return nil, b.failed("read recent positions", err)
	}
	found := r.index.find(deviceID, pick)
	if newestFirst {
		found = found[max(0, len(found)-limit):]
	} else {
		found = found[:min(limit, len(found))]
	}
	rows, err := b.fetch(ctx, found)
	if newestFirst {
		slices.Reverse(rows)
	}
	return rows, b.failed("read recent positions", err)
}

// Hot implements history.Backend.
func (b *backend) Hot(ctx context.Context, deviceID, from int64, after uint32, to int64, limit int) ([]history.Row, error) {
	return b.hot(ctx, deviceID, limit, false, func(refs []hotRef) []hotRef { return between(refs, from, after, to, limit) })
}

// HotBefore implements history.Backend.
func (b *backend) HotBefore(ctx context.Context, deviceID, t int64, limit int) ([]history.Row, error) {
	return b.hot(ctx, deviceID, limit, true, func(refs []hotRef) []hotRef { return before(refs, t, limit) })
}

// HotNumbers implements history.Backend.
func (b *backend) HotNumbers(ctx context.Context, deviceID int64, numbers []uint32) ([]history.Row, error) {
	return b.hot(ctx, deviceID, math.MaxInt, false, func(refs []hotRef) (some []hotRef) {
		for _, r := range refs {
			if slices.Contains(numbers, r.number) {
				some = append(some, r)
			}
		}
		return some
	})
}
