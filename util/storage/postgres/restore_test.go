package postgres

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// kept keeps what Backup writes, for Restore.
type kept struct {
	names []string
	rows  []*bytes.Buffer
}

func (k *kept) open(table string) io.WriteCloser {
	k.names, k.rows = append(k.names, table), append(k.rows, new(bytes.Buffer))
	return closer{k.rows[len(k.rows)-1]}
}

type closer struct{ io.Writer }

func (closer) Close() error { return nil }

func (k *kept) next() (string, io.Reader, error) {
	if len(k.names) == 0 {
		return "", nil, io.EOF
	}
	name, rows := k.names[0], k.rows[0]
	k.names, k.rows = k.names[1:], k.rows[1:]
	return name, rows, nil
}

// TestRestoreOlder restores what an older version kept: its schema is made, and
// brought up to date when the database is opened.
func TestRestoreOlder(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	from, to := pgtest.Open(t), pgtest.Open(t)
	cfg, err := pgx.ParseConfig(from)
	if err != nil {
		t.Fatal(err)
	}
	older := SchemaVersion() - 1
	if err := migrateTo(ctx, cfg, older); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `INSERT INTO devices (id, name, unique_id, search, group_id, phone, model, contact, category, disabled, expires_at, attributes)
		VALUES (7, 'car', 'car', 'car', 0, '', '', '', '', false, -62135596800000, '{}')`); err != nil {
		t.Fatal(err)
	}
	var k kept
	d, err := Backup(ctx, from, log, k.open)
	if err != nil || d.Schema != older {
		t.Fatalf("%+v, %v", d, err)
	}
	newer := *d
	newer.Schema = SchemaVersion() + 1
	if err := Restore(ctx, to, log, &newer, k.next); !errors.Is(err, data.ErrConflict) {
		t.Fatalf("a backup of a newer version: %v", err)
	}
	if err := Restore(ctx, to, log, d, k.next); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, to, log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if car, err := s.DeviceByUniqueID(ctx, "car"); err != nil || car.ID != 7 {
		t.Errorf("device %+v, %v", car, err)
	}
	if err := Restore(ctx, to, log, d, k.next); !errors.Is(err, data.ErrConflict) {
		t.Errorf("restore over a database that is in use: %v", err)
	}
}

// A restore that fails leaves an empty database, in which it can be tried again.
func TestRestoreFails(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	from, to := pgtest.Open(t), pgtest.Open(t)
	s, err := Open(ctx, from, log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateDevice(ctx, &data.Device{Name: "car", UniqueID: "car"}); err != nil {
		t.Fatal(err)
	}
	var k kept
	d, err := Backup(ctx, from, log, k.open)
	if err != nil {
		t.Fatal(err)
	}
	good := kept{append([]string(nil), k.names...), nil}
	for _, b := range k.rows {
		good.rows = append(good.rows, bytes.NewBuffer(bytes.Clone(b.Bytes())))
	}
	missing := errors.New("the file ends")
	err = Restore(ctx, to, log, d, func() (string, io.Reader, error) {
		if len(k.names) < 3 {
			return "", nil, missing
		}
		return k.next()
	})
	if !errors.Is(err, missing) {
		t.Fatal(err)
	}
	if err := Restore(ctx, to, log, d, good.next); err != nil {
		t.Errorf("the second time: %v", err)
	}
}
