package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectCommands = `SELECT id, device_id, user_id, type, attributes, after_report, interlock_kmh, state, owner, text,
	created_at, sent_at, changed_at, expires_at FROM commands`

// isOpen finds open commands by their index, which wants the states as they
// are written there.
const isOpen = `state IN ('queued', 'sent', 'acknowledged')`

func scanCommand(r pgx.CollectableRow) (c data.QueuedCommand, err error) {
	var attributes string
	var created, sent, changed, expires int64
	err = r.Scan(&c.ID, &c.DeviceID, &c.UserID, &c.Type, &attributes, &c.AfterReport, &c.InterlockKmh, &c.State, &c.Owner, &c.Text,
		&created, &sent, &changed, &expires)
	if err != nil {
		return c, err
	}
	c.CreatedAt, c.SentAt, c.ChangedAt, c.ExpiresAt = row.Time(created), row.Time(sent), row.Time(changed), row.Time(expires)
	c.Attributes, err = row.DecodeAttributes(attributes)
	return c, err
}

// QueueCommand implements storage.Commands. The lock on the device makes those
// who queue for it take turns, so that ids are in the order of commits.
func (s *Store) QueueCommand(ctx context.Context, c *data.QueuedCommand) error {
	const doing = "queue command"
	if err := row.CheckCommand(c); err != nil {
		return s.fail(doing, err)
	}
	var id int64
	err := s.write(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT id FROM devices WHERE id = $1 FOR NO KEY UPDATE`, c.DeviceID).Scan(&id); err != nil {
			return err
		}
		var waiting int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM commands WHERE device_id = $1 AND state = 'queued' AND `+isOpen, c.DeviceID).Scan(&waiting)
		if err != nil {
			return err
		}
		if waiting >= data.MaxQueuedCommands {
			return fmt.Errorf("%d commands wait for the device already: %w", waiting, data.ErrConflict)
		}
		err = tx.QueryRow(ctx, `INSERT INTO commands (device_id, user_id, type, attributes, after_report, interlock_kmh, state,
				owner, text, created_at, sent_at, changed_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, 'queued', '', '', $7, $8, $7, $9) RETURNING id`,
			c.DeviceID, c.UserID, c.Type, row.EncodeAttributes(c.Attributes), c.AfterReport, c.InterlockKmh,
			row.Millis(c.CreatedAt), row.Millis(time.Time{}), row.Millis(c.ExpiresAt)).Scan(&id)
		if err != nil {
			return err
		}
		return addStep(ctx, tx, id, data.CommandStep{State: data.CommandQueued, Time: c.CreatedAt})
	})
	if err != nil {
		return err
	}
	c.ID, c.State, c.ChangedAt = id, data.CommandQueued, c.CreatedAt
	return nil
}

func addStep(ctx context.Context, tx pgx.Tx, id int64, step data.CommandStep) error {
	_, err := tx.Exec(ctx, `INSERT INTO command_steps (command_id, state, time, text, owner) VALUES ($1, $2, $3, $4, $5)`,
		id, string(step.State), row.Millis(step.Time), step.Text, step.Owner)
	return err
}

// ChangeCommand implements storage.Commands.
func (s *Store) ChangeCommand(ctx context.Context, id int64, from []data.CommandState, step data.CommandStep) (c data.QueuedCommand, err error) {
	err = s.write(ctx, "change command", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectCommands+` WHERE id = $1 FOR UPDATE`, id)
		if err != nil {
			return err
		}
		if c, err = pgx.CollectExactlyOneRow(rows, scanCommand); err != nil {
			return err
		}
		if !slices.Contains(from, c.State) {
			return fmt.Errorf("the command is %s: %w", c.State, data.ErrConflict)
		}
		return stepCommand(ctx, tx, &c, step)
	})
	return c, err
}

// stepCommand writes a step that c may take.
func stepCommand(ctx context.Context, tx pgx.Tx, c *data.QueuedCommand, step data.CommandStep) error {
	step.Text = row.StepText(step.Text)
	if err := c.Apply(step); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE commands SET state = $1, owner = $2, text = $3, sent_at = $4, changed_at = $5, expires_at = $6 WHERE id = $7`,
		string(c.State), c.Owner, c.Text, row.Millis(c.SentAt), row.Millis(c.ChangedAt), row.Millis(c.ExpiresAt), c.ID)
	if err != nil {
		return err
	}
	return addStep(ctx, tx, c.ID, step)
}

// ExpireCommands implements storage.Commands. Several trackers do it at the
// same time: each leaves alone what another one has in hand.
func (s *Store) ExpireCommands(ctx context.Context, now time.Time) (ended []data.QueuedCommand, err error) {
	err = s.write(ctx, "expire commands", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectCommands+` WHERE `+isOpen+` AND expires_at <= $1
			ORDER BY device_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, row.Millis(now), row.ExpireAtOnce)
		if err != nil {
			return err
		}
		if ended, err = pgx.AppendRows([]data.QueuedCommand(nil), rows, scanCommand); err != nil {
			return err
		}
		for i := range ended {
			if err := stepCommand(ctx, tx, &ended[i], ended[i].Expiry(now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// Command implements storage.Commands.
func (s *Store) Command(ctx context.Context, id int64) (data.QueuedCommand, error) {
	return one(ctx, s, "find command", scanCommand, selectCommands+` WHERE id = $1`, id)
}

// ListCommands implements storage.Commands.
func (s *Store) ListCommands(ctx context.Context, f storage.CommandFilter) ([]data.QueuedCommand, error) {
	where := []string{`true`}
	var args []any
	if f.DeviceIDs != nil {
		args = append(args, f.DeviceIDs)
		where = append(where, fmt.Sprintf(`device_id = ANY ($%d)`, len(args)))
	}
	if len(f.States) > 0 {
		args = append(args, row.States(f.States))
		where = append(where, fmt.Sprintf(`state = ANY ($%d)`, len(args)))
		if !slices.ContainsFunc(f.States, func(s data.CommandState) bool { return !s.Open() }) {
			where = append(where, isOpen)
		}
	}
	order := `ORDER BY id`
	if f.Newest {
		order = `ORDER BY id DESC`
	}
	var limit *int // null is no limit
	if f.Limit > 0 {
		limit = &f.Limit
	}
	args = append(args, limit, max(f.Offset, 0))
	query := fmt.Sprintf(`%s WHERE %s %s LIMIT $%d OFFSET $%d`, selectCommands, strings.Join(where, ` AND `), order, len(args)-1, len(args))
	return list(ctx, s, "list commands", scanCommand, query, args...)
}

// CommandSteps implements storage.Commands.
func (s *Store) CommandSteps(ctx context.Context, id int64) ([]data.CommandStep, error) {
	return list(ctx, s, "list steps of command", func(r pgx.CollectableRow) (step data.CommandStep, err error) {
		var at int64
		err = r.Scan(&step.State, &at, &step.Text, &step.Owner)
		step.Time = row.Time(at)
		return step, err
	}, `SELECT state, time, text, owner FROM command_steps WHERE command_id = $1 ORDER BY id`, id)
}

// OpenCommandDevices implements storage.Commands.
func (s *Store) OpenCommandDevices(ctx context.Context) ([]int64, error) {
	return list(ctx, s, "list devices with open commands", scanID,
		`SELECT DISTINCT device_id FROM commands WHERE `+isOpen+` ORDER BY device_id`)
}
