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

// DeleteHot implements history.Backend.
func (b *backend) DeleteHot(ctx context.Context, deviceID, from, to int64) error {
	return b.erase(ctx, "delete recent positions", deviceID, from, to, nil)
}

// erase blots out positions of a device, and runs more work in the same
// transaction.
func (b *backend) erase(ctx context.Context, doing string, deviceID, from, to int64, more func(context.Context, *sql.Tx) error) error {
	r := b.s.recent
	edits := make(map[int64]int64)
	var gone []located
	return b.writeThen(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		if err := r.index.refresh(ctx, r.reader); err != nil {
			return err
		}
		gone = r.index.find(deviceID, func(refs []hotRef) []hotRef { return between(refs, from-1, math.MaxUint32, to, len(refs)) })
		t := &hotTx{backend: b, tx: tx}
		if len(gone) > 0 {
			// What these positions say about the head is said by it from now on.
			heads, err := t.heads(ctx, []int64{deviceID})
			if err != nil {
				return err
			}
			if h := heads[deviceID]; h != nil {
				if err := t.saveHeads(ctx, []*history.Head{h}); err != nil {
					return err
				}
			}
		}
		if err := t.erase(ctx, gone, edits); err != nil {
			return err
		}
		if more == nil {
			return nil
		}
		return more(ctx, tx)
	}, func() {
		for generation, edit := range edits {
			r.index.erase(generation, edit, slices.DeleteFunc(slices.Clone(gone), func(g located) bool { return g.generation != generation }))
		}
	})
}

// erase writes the chunks anew that hold positions.
func (t *hotTx) erase(ctx context.Context, gone []located, edits map[int64]int64) error {
	slices.SortFunc(gone, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), cmp.Compare(a.chunk, b.chunk))
	})
	for len(gone) > 0 {
		n, generation := 1, gone[0].generation
		for n < len(gone) && gone[n].generation == generation {
			n++
		}
		table := `hot_` + strconv.FormatInt(generation%2, 10)
		err := t.backend.chunks(ctx, generation, gone[:n], func(chunk []byte, refs []located) error {
			chunk = slices.Clone(chunk)
			for _, at := range refs {
				if err := eraseRow(chunk, int(at.offset)); err != nil {
					return err
				}
			}
			_, err := t.tx.ExecContext(ctx, `UPDATE `+table+` SET points = points - ?, rows = ? WHERE id = ?`, len(refs), chunk, refs[0].chunk)
			return err
		})
		if err != nil {
			return err
		}
		var edit int64
		if err := t.tx.QueryRowContext(ctx, `UPDATE generations SET edits = edits + 1 WHERE id = ? RETURNING edits`, generation).Scan(&edit); err != nil {
			return err
		}
		edits[generation] = edit
		gone = gone[n:]
	}
	return nil
}
