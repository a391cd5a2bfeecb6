package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/util/storage/history"
)

var _ history.Checker = backend{}

// CheckFiles implements history.Checker: what the server's tables hold that no
// device's history shows. Whether the server can read its pages is seen when
// the history is read.
func (b backend) CheckFiles(ctx context.Context, report func(text string)) error {
	const doing = "check the tables of history"
	type count struct{ DeviceID, Blocks, Points int64 }
	aside, err := list(ctx, b.s, doing, pgx.RowToStructByPos[count],
		`SELECT device_id, count(*), sum(points) FROM blocks_aside GROUP BY device_id ORDER BY device_id`)
	if err != nil {
		return err
	}
	for _, a := range aside {
		report(fmt.Sprintf("device %d: %d blocks with %d positions could not be read and lie in the table blocks_aside; restore the database from a backup to have them again, or delete them there",
			a.DeviceID, a.Blocks, a.Points))
	}
	for _, table := range []string{"hot", "position_blocks"} {
		// From one device to the next in the indexes, not by reading all rows.
		strangers, err := list(ctx, b.s, doing, scanID, `WITH RECURSIVE device AS (
				SELECT min(device_id) AS id FROM `+table+`
				UNION ALL
				SELECT (SELECT min(h.device_id) FROM `+table+` AS h WHERE h.device_id > device.id)
				FROM device WHERE device.id IS NOT NULL
			) SELECT id FROM device WHERE id IS NOT NULL
				AND NOT EXISTS (SELECT FROM device_heads AS d WHERE d.device_id = device.id) ORDER BY id`)
		if err != nil {
			return err
		}
		for _, id := range strangers {
			report(fmt.Sprintf("device %d: table %s holds positions of it, but it does not exist", id, table))
		}
	}
	return nil
}
