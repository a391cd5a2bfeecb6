package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// TestDiskFull bounds the size of files as a disk would: the store says so, and
// works again when there is room.
func TestDiskFull(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := data.Device{UniqueID: "a"}
	if err := s.CreateDevice(ctx, &d); err != nil {
		t.Fatal(err)
	}
	bound := func(db *sql.DB, pages int) {
		t.Helper()
		if _, err := db.ExecContext(ctx, fmt.Sprint(`PRAGMA max_page_count = `, pages)); err != nil {
			t.Fatal(err)
		}
	}
	stored := 0
	insert := func() error {
		batch, prints := make([]data.Position, 100), make([]uint64, 100)
		for i := range batch {
			at := time.Unix(1_800_000_000+int64(stored+i), 0).UTC()
			batch[i] = data.Position{DeviceID: d.ID, Protocol: "gt06", ServerTime: at, DeviceTime: at, FixTime: at}
			batch[i].Attributes.SetInt("n", at.UnixNano()*7919)
			prints[i] = uint64(stored + i)
		}
		err := s.InsertPositions(ctx, batch, prints, nil)
		if err == nil {
			stored += len(batch)
		}
		return err
	}
	count := func() (n int) {
		err := s.PositionsBetween(ctx, d.ID, time.Time{}, time.Unix(1_900_000_000, 0), 1e6, func(*data.Position) error { n++; return nil })
		if err != nil {
			t.Error(err)
		}
		return n
	}

	bound(s.recent.writer, 100)
	for err == nil && stored < 100_000 {
		err = insert()
	}
	if !errors.Is(err, data.ErrUnavailable) {
		t.Fatalf("after %d positions the error is %v", stored, err)
	}
	if n := count(); n != stored {
		t.Errorf("%d of %d positions", n, stored)
	}
	bound(s.recent.writer, 1<<30)
	if err := insert(); err != nil {
		t.Errorf("with room: %v", err)
	}

	at := history.Month(time.Unix(1_800_000_000, 0).UnixMilli())
	if err := s.months.use(ctx, at, true, func(_ context.Context, m *month) error {
		m.reader.db.SetMaxOpenConns(1) // the bound is one of the connection
		bound(m.reader.db, 5)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(ctx); !errors.Is(err, data.ErrUnavailable) {
		t.Errorf("error is %v", err)
	}
	if n := count(); n != stored {
		t.Errorf("%d of %d positions", n, stored)
	}
	if err := insert(); err != nil { // the other generation takes it
		t.Errorf("insert while nothing can be compacted: %v", err)
	}
	if err := s.months.use(ctx, at, true, func(_ context.Context, m *month) error {
		bound(m.reader.db, 1<<30)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(ctx); err != nil {
		t.Errorf("with room: %v", err)
	}
	if n := count(); n != stored {
		t.Errorf("%d of %d positions", n, stored)
	}
}
