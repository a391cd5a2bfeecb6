package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/internal/row"
)

const selectCommands = `SELECT id, device_id, user_id, type, attributes, after_report, interlock_kmh, state, owner, text,
	created_at, sent_at, changed_at, expires_at FROM commands`

// isOpen finds open commands by their index, which wants the states as they
// are written there.
const isOpen = `state IN ('queued', 'sent', 'acknowledged')`

func scanCommand(r scanner) (c data.QueuedCommand, err error) {
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

// QueueCommand implements storage.Commands.
func (s *Store) QueueCommand(ctx context.Context, c *data.QueuedCommand) error {
	const doing = "queue command"
	if err := row.CheckCommand(c); err != nil {
		return s.fail(doing, err)
	}
	var id int64
	err := s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		var waiting int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM commands WHERE device_id = ? AND state = 'queued' AND `+isOpen, c.DeviceID).Scan(&waiting)
		if err != nil {
			return err
		}
		if waiting >= data.MaxQueuedCommands {
			return fmt.Errorf("%d commands wait for the device already: %w", waiting, data.ErrConflict)
		}
		err = tx.QueryRowContext(ctx, `INSERT INTO commands (device_id, user_id, type, attributes, after_report, interlock_kmh, state,
				owner, text, created_at, sent_at, changed_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, 'queued', '', '', ?, ?, ?, ?) RETURNING id`,
			c.DeviceID, c.UserID, c.Type, row.EncodeAttributes(c.Attributes), c.AfterReport, c.InterlockKmh,
			row.Millis(c.CreatedAt), row.Millis(time.Time{}), row.Millis(c.CreatedAt), row.Millis(c.ExpiresAt)).Scan(&id)
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

func addStep(ctx context.Context, tx *sql.Tx, id int64, step data.CommandStep) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO command_steps (command_id, state, time, text, owner) VALUES (?, ?, ?, ?, ?)`,
		id, string(step.State), row.Millis(step.Time), step.Text, step.Owner)
	return err
}

// ChangeCommand implements storage.Commands. The transaction has the writer
// for itself from its beginning.
func (s *Store) ChangeCommand(ctx context.Context, id int64, from []data.CommandState, step data.CommandStep) (c data.QueuedCommand, err error) {
	err = s.write(ctx, "change command", func(ctx context.Context, tx *sql.Tx) (err error) {
		if c, err = scanCommand(tx.QueryRowContext(ctx, selectCommands+` WHERE id = ?`, id)); err != nil {
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
func stepCommand(ctx context.Context, tx *sql.Tx, c *data.QueuedCommand, step data.CommandStep) error {
	step.Text = row.StepText(step.Text)
	if err := c.Apply(step); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE commands SET state = ?, owner = ?, text = ?, sent_at = ?, changed_at = ?, expires_at = ? WHERE id = ?`,
		string(c.State), c.Owner, c.Text, row.Millis(c.SentAt), row.Millis(c.ChangedAt), row.Millis(c.ExpiresAt), c.ID)
	if err != nil {
		return err
	}
	return addStep(ctx, tx, c.ID, step)
}

// ExpireCommands implements storage.Commands. Most of the time there are none,
// and the writer is left alone.
func (s *Store) ExpireCommands(ctx context.Context, now time.Time) (ended []data.QueuedCommand, err error) {
	const doing = "expire commands"
	const late = ` WHERE ` + isOpen + ` AND expires_at <= ? ORDER BY device_id, id LIMIT ?`
	some, err := list(ctx, s, doing, scanCommand, selectCommands+late, row.Millis(now), 1)
	if err != nil || len(some) == 0 {
		return nil, err
	}
	err = s.write(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectCommands+late, row.Millis(now), row.ExpireAtOnce)
		if err != nil {
			return err
		}
		if ended, err = collect(rows, scanCommand); err != nil {
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
	return one(ctx, s, "find command", scanCommand, selectCommands+` WHERE id = ?`, id)
}

// ListCommands implements storage.Commands.
func (s *Store) ListCommands(ctx context.Context, f storage.CommandFilter) ([]data.QueuedCommand, error) {
	var where []string
	var args []any
	if f.DeviceIDs != nil {
		where = append(where, `device_id IN (SELECT value FROM json_each(?))`)
		args = append(args, jsonIDs(f.DeviceIDs))
	}
	if len(f.States) > 0 {
		where = append(where, `state IN (SELECT value FROM json_each(?))`)
		args = append(args, jsonTexts(row.States(f.States)))
		if !slices.ContainsFunc(f.States, func(s data.CommandState) bool { return !s.Open() }) {
			where = append(where, isOpen)
		}
	}
	query := selectCommands
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	order := ` ORDER BY id`
	if f.Newest {
		order = ` ORDER BY id DESC`
	}
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // no limit
	}
	return list(ctx, s, "list commands", scanCommand, query+order+` LIMIT ? OFFSET ?`, append(args, limit, max(f.Offset, 0))...)
}

// CommandSteps implements storage.Commands.
func (s *Store) CommandSteps(ctx context.Context, id int64) ([]data.CommandStep, error) {
	return list(ctx, s, "list steps of command", func(r scanner) (step data.CommandStep, err error) {
		var at int64
		err = r.Scan(&step.State, &at, &step.Text, &step.Owner)
		step.Time = row.Time(at)
		return step, err
	}, `SELECT state, time, text, owner FROM command_steps WHERE command_id = ? ORDER BY id`, id)
}

// OpenCommandDevices implements storage.Commands.
func (s *Store) OpenCommandDevices(ctx context.Context) ([]int64, error) {
	return list(ctx, s, "list devices with open commands", scanID,
		`SELECT DISTINCT device_id FROM commands WHERE `+isOpen+` ORDER BY device_id`)
}
