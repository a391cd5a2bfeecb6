package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// partly is a store in which something of the first device cannot be read.
type partly struct {
	storage.Store
	first int64
}

func (p partly) PositionsBetween(ctx context.Context, id int64, from, to time.Time, limit int, each func(*data.Position) error) error {
	err := p.Store.PositionsBetween(ctx, id, from, to, limit, each)
	if id == p.first {
		err = errors.Join(err, block.ErrCorrupt)
	}
	return err
}

// full is a disk that takes so many bytes.
type full struct{ left int }

var errFull = errors.New("disk full")

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestExportDevices(t *testing.T) {
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	devices := []data.Device{{Name: "Van", UniqueID: "a"}, {Name: "Car", UniqueID: "b"}}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range devices {
		if err := s.CreateDevice(t.Context(), &devices[i]); err != nil {
			t.Fatal(err)
		}
		p := data.Position{DeviceID: devices[i].ID, ServerTime: start, DeviceTime: start, FixTime: start, Valid: true}
		if err := s.InsertPositions(t.Context(), []data.Position{p}, []uint64{1}, nil); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range formats.All {
		var whole, damaged bytes.Buffer
		if n, err := exportDevices(t.Context(), s, f.New(&whole), devices, start, start); n != 2 || err != nil {
			t.Errorf("%s: %d positions, %v", f.Name, n, err)
		}
		n, err := exportDevices(t.Context(), partly{s, devices[0].ID}, f.New(&damaged), devices, start, start)
		if !errors.Is(err, block.ErrCorrupt) || !strings.Contains(err.Error(), `"a"`) || n != 2 || damaged.String() != whole.String() {
			t.Errorf("%s of a damaged store: %d positions, %v", f.Name, n, err)
		}
		if _, err := exportDevices(t.Context(), s, f.New(&full{whole.Len() / 2}), devices, start, start); !errors.Is(err, errFull) {
			t.Errorf("%s to a full disk: %v", f.Name, err)
		}
		if _, err := exportDevices(ended, s, f.New(&damaged), devices, start, start); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after its end: %v", f.Name, err)
		}
	}
}
