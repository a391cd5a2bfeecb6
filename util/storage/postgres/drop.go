package postgres

import (
	"context"

	"github.com/waymark-gps/waymark/data"
)

// dropPortion is how many hot rows and how many blocks one transaction removes:
// inserts for the device wait no longer than that takes.
const dropPortion = 5000

// DropDevice implements history.Backend.
func (b backend) DropDevice(ctx context.Context, deviceID int64) error {
	const doing = "drop the history of a device"
	return b.s.dropHistory(ctx, doing, deviceID, func(ctx context.Context) error {
		_, err := b.s.exec(ctx, doing, `DELETE FROM device_heads WHERE device_id = $1`, deviceID)
		return err
	})
}

// DeleteDevice implements storage.Devices. The device goes last, with the last
// portion of its history: whoever is interrupted can begin again.
func (s *Store) DeleteDevice(ctx context.Context, id int64) error {
	const doing = "delete device"
	return s.dropHistory(ctx, doing, id, func(ctx context.Context) error {
		n, err := s.exec(ctx, doing, `DELETE FROM devices WHERE id = $1`, id)
		if err == nil && n == 0 {
			err = s.fail(doing, data.ErrNotFound)
		}
		if err != nil {
			return err
		}
		return s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
			return s.fail(doing, forget(ctx, t.conn, data.DeviceKind, id))
		})
	})
}

// dropHistory removes the history of a device in portions. finish belongs to
// the last one. Meanwhile the head is locked: nobody adds rows or blocks.
func (s *Store) dropHistory(ctx context.Context, doing string, deviceID int64, finish func(context.Context) error) error {
	for done := false; !done; {
		err := s.dropSome(ctx, doing, deviceID, func(ctx context.Context) error {
			done = true
			return finish(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dropSome(ctx context.Context, doing string, deviceID int64, last func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return s.transact(ctx, doing, func(ctx context.Context, t *tx) error {
		t.durable()
		t.batch.Queue(`SELECT FROM device_heads WHERE device_id = $1 FOR UPDATE`, deviceID)
		rows, err := s.exec(ctx, doing, `DELETE FROM hot WHERE device_id = $1 AND (time, number) IN (
			SELECT time, number FROM hot WHERE device_id = $1 ORDER BY time, number LIMIT $2)`, deviceID, dropPortion)
		if err != nil {
			return err
		}
		blocks, err := s.exec(ctx, doing, `DELETE FROM position_blocks WHERE device_id = $1 AND first_time IN (
			SELECT first_time FROM position_blocks WHERE device_id = $1 ORDER BY first_time LIMIT $2)`, deviceID, dropPortion)
		if err != nil || rows == dropPortion || blocks == dropPortion {
			return err
		}
		return last(ctx)
	})
}
